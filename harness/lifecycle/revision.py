"""The revision of a container: a hash of all that it depends on, kept in parts so that a plan can say what differs."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Final

import harness.converge
import harness.provision
from harness.converge.cookbook import HELPERS
from harness.converge.mirror import PINNED
from harness.inventory.model import Container, Inventory, Mount
from harness.kit.secret import Secret
from harness.lifecycle import attributes
from harness.repo.tree import Tree, digest_of, package_digest

SPECS: Final = "specs"
PARTS: Final = {
    "config": "configuration",
    "cookbook": "cookbook",
    "helpers": "helper modules",
    "base": "base system",
    "engine": "engine",
    "attributes": "attributes (login, domain, or what it sees of other containers)",
    "secrets": "secrets",
    SPECS: "specs",
}
"""The parts, and what a plan calls them."""
_NEIGHBOURS_IN_COOKBOOKS: Final = (b"containers",)
_NEIGHBOURS_IN_SPECS: Final = (b"containers", b".other(", b".inventory")
FORGES: Final = (".gitea", ".github", ".gitignore", ".gitattributes", ".gitmodules")
"""What only concerns a forge; seeding lays workflows into libraries, which must not make other libraries of them."""
_LENGTH: Final = 16  # hex digits kept: 64 bits are plenty against accidents, and fit into a description


@dataclass(frozen=True, slots=True)
class Revision:
    """The revision of one container."""

    value: str
    parts: Mapping[str, str]

    @classmethod
    def of(cls, parts: Mapping[str, str]) -> Revision:
        """The revision made of these parts."""
        return cls(_hash(dict(parts)), dict(parts))

    @property
    def short(self) -> str:
        """For people: 8 hex digits."""
        return self.value[:8]


def differing(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the parts that differ, in the order people read them."""
    return tuple(name for name in PARTS if before.get(name) != now.get(name))


class Revisions:
    """Computes the revisions of one inventory; each file is read once."""

    def __init__(
        self,
        inventory: Inventory,
        tree: Tree,
        *,
        login: str,
        password: Secret,
        key: bytes,
        mirror: str | None = None,
        forge: tuple[str, ...] = (),
        authority: str = "",
    ) -> None:
        self._inventory = inventory
        self._tree = tree
        self._login = login
        self._mirror = mirror
        self._forge = forge
        self._authority = authority
        self._secrets = hmac.new(key, f"{login}\0{password.reveal()}".encode(), hashlib.sha256).hexdigest()[:_LENGTH]

    def of(self, container: Container) -> Revision:
        """The revision of ``container`` as the repository stands now."""
        return Revision.of(
            {
                "config": _hash(configuration(container)),
                "cookbook": self._cookbook(container),
                "helpers": self._packages["helpers"],
                "base": _hash([self._packages["base"], self._authority]),
                "engine": _hash([container.engine, self._mirror, PINNED.exact]),
                "attributes": self._attributes(container),
                "secrets": self._secrets,
                SPECS: self._specs(container.specs.parent),
            }
        )

    def _cookbook(self, container: Container) -> str:
        """What reaches the container; the control plane gets the harness and the packages of its lock file."""
        if not container.is_control_plane:
            return self._tree.digest(container.directory, is_cookbook)[:_LENGTH]
        root = container.directory
        packages = digest_of(root, [PurePosixPath("requirements.lock")])
        return _hash([self._tree.digest(root / "harness", is_ours), packages, *self._forge])

    def _attributes(self, container: Container) -> str:
        own = attributes.own(container, self._login)
        return _hash([own, self._neighbours if self.sees_neighbours(container) else None])

    def _specs(self, directory: Path) -> str:
        digest = self._tree.digest(directory, is_spec)[:_LENGTH]
        sees = self._tree.mentions(directory, _NEIGHBOURS_IN_SPECS, is_spec)
        return _hash([digest, self._neighbours]) if sees else digest

    def sees_neighbours(self, container: Container) -> bool:
        """Whether its cookbook names ``node['containers']``: only then does it get them, and depend on them."""
        return self._tree.mentions(container.cookbook, _NEIGHBOURS_IN_COOKBOOKS, is_cookbook)

    @cached_property
    def _neighbours(self) -> str:
        """What all see of each other, once for all of them."""
        return _hash(attributes.neighbours(self._inventory))

    @cached_property
    def _packages(self) -> dict[str, str]:
        converge = self._package(harness.converge.__path__[0])
        provision = self._package(harness.provision.__path__[0])
        return {
            "helpers": _hash([self._tree.digest(self._tree.root / HELPERS, is_ours), package_digest(converge)]),
            "base": package_digest(provision)[:_LENGTH],
        }

    def _package(self, running: str) -> Path:
        """A package of the harness: the repository's own, which will deploy it, else the one that runs."""
        own = self._tree.root / "harness" / Path(running).name
        return own if own.is_dir() else Path(running)


def configuration(container: Container) -> dict[str, Any]:
    """What of config.env shapes the running container; not what only says when (NEEDS) or with what it began."""
    return {
        "vmid": container.vmid,
        "hostname": container.hostname,
        "address": str(container.address),
        "gateway": str(container.gateway),
        "bridge": container.bridge,
        "interface": container.interface,
        "cores": container.cores,
        "memory": container.memory,
        "swap": container.swap,
        "disk": [container.disk.storage, container.disk.size_gib],
        "onboot": container.onboot,
        "mounts": [_mount(mount) for mount in container.mounts],
        "unprivileged": container.unprivileged,
        "features": [list(pair) for pair in container.features],
        "nameserver": container.nameserver,
        "searchdomain": container.searchdomain,
        "startup": container.startup,
        "tags": sorted(container.tags),
        "stage": container.stage,
    }


def _mount(mount: Mount) -> list[Any]:
    return [type(mount).__name__, *dataclasses.astuple(mount)]


def is_spec(path: PurePosixPath) -> bool:
    """Whether a library's file belongs to its specs."""
    return path.parts[0] == SPECS or path.name == "conftest.py"


def is_ours(path: PurePosixPath) -> bool:
    """Whether a library's file is more than a forge's business."""
    return path.parts[0] not in FORGES


def is_cookbook(path: PurePosixPath) -> bool:
    """Whether a library's file reaches the container: all but specs, configuration and papers."""
    is_config = len(path.parts) == 1 and path.name.startswith("config.") and path.suffix == ".env"
    is_paper = len(path.parts) == 1 and (path.suffix in (".md", ".txt") or path.name == "LICENSE")
    return is_ours(path) and not (is_spec(path) or is_config or is_paper)


def _hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]
