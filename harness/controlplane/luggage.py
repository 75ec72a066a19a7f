"""What travels from the workstation to a control plane besides git: settings, credentials, keys, a target's state.

It goes as files of mode 0600 through the Docker engine or over ssh, never through git, an environment or a command
line. Whose it is afterwards:

- *settings, login, password, revision key, token that only reads*: the workstation's; a control plane gets them again
  at every hand-over;
- *containers' private keys*: both sides'; they are made for all containers before the first hand-over, and a side that
  lacks one takes the other's (``merge_keys``);
- *known hosts*: nobody's; each side knows a container's host key by the stamp that its maker wrote in PVE.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from harness.config.settings import ControlPlaneSettings, EmbeddedSettings, GiteaSettings, ProxmoxSettings, Settings
from harness.config.share import Share
from harness.controlplane.kit import ACCOUNT, DATA
from harness.embedded.engine.files import File
from harness.kit.files import write_atomic
from harness.kit.secret import Secret

SHARE = f"{DATA}/share"
SETTINGS = f"{SHARE}/config.json"
_STATE = ("revision.key", "login.json", "network.json", "pve-read.token")
"""Files of a target that a control plane gets anew every time."""
PASSWORD_FILE = "admin.password"  # noqa: S105 - a file's name, as the forge reads it
KNOWN_HOSTS = "known_hosts"
KEYS = "keys"
AUTHORITY = "authority"
_DIRECTORIES = (KEYS, AUTHORITY)
_KEY = re.compile(r"[0-9]+(\.pub)?")


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Where the embedded node is found from inside: it cannot be started there."""

    host: str
    port: int
    user: str
    password: Secret
    fingerprint: str

    def as_json(self) -> str:
        """For ``node-access.json``."""
        return json.dumps(
            {
                "host": self.host,
                "port": self.port,
                "user": self.user,
                "password": self.password.reveal(),
                "fingerprint": self.fingerprint,
            }
        )


@dataclass(frozen=True, slots=True)
class Luggage:
    """Everything for one control plane of one target."""

    settings: Settings
    share: Share
    login: str
    password: Secret
    node: NodeAddress | None = None
    """The embedded node, where that is the target."""

    @property
    def target(self) -> str:
        """Name of the target's directory, here and there."""
        return self.settings.target

    def files(self, *, first: bool) -> Iterator[File]:
        """Everything as files below ``/var/lib/gitops``, directories first.

        Known hosts only at the ``first`` time: later the control plane knows as much by itself.
        """
        home = f"{SHARE}/{self.target}"
        for directory in (SHARE, home, *(f"{home}/{name}" for name in _DIRECTORIES)):
            yield File(directory, None, 0o700, ACCOUNT)
        yield _private(SETTINGS, render_settings(self.settings))
        if self.node is not None:
            yield _private(f"{home}/{self.share.node_access.name}", self.node.as_json())
        names = (*_STATE, KNOWN_HOSTS) if first else _STATE
        inner = (path for name in _DIRECTORIES for path in sorted((self.share.path / name).glob("[!.]*")))
        for path in (*(self.share.path / name for name in names), *inner):
            if path.is_file():
                yield File(f"{home}/{path.relative_to(self.share.path).as_posix()}", path.read_bytes(), 0o600, ACCOUNT)

    def password_file(self) -> File:
        """What the forge takes its administrator's password from at its start."""
        return _private(f"{DATA}/forge/{PASSWORD_FILE}", self.password.reveal() + "\n")

    def digest(self) -> str:
        """Changes whenever something in it does; keyed, since it is kept outside of what it was made from."""
        total = hmac.new(self.share.revision_key(), digestmod=hashlib.sha256)
        for file in (*self.files(first=False), self.password_file()):
            total.update(f"{file.path}\0{file.mode}\0".encode() + hashlib.sha256(file.data or b"").digest())
        return total.hexdigest()


def _private(path: str, text: str) -> File:
    return File(path, text.encode(), 0o600, ACCOUNT)


def render_settings(settings: Settings) -> str:
    """``config.json`` with everything that is not its default, wherever it was set; secrets revealed.

    Nothing else: jobs of a pull request read it with the harness that is released, which may know fewer settings.
    """
    found: dict[str, Any] = {}
    sections: dict[str, tuple[Any, Any]] = {
        "proxmox": (settings.proxmox, ProxmoxSettings()),
        "embedded": (settings.embedded, EmbeddedSettings()),
        "control_plane": (settings.control_plane, ControlPlaneSettings()),
        "gitea": (settings.gitea, GiteaSettings()),
    }
    for name, (section, default) in sections.items():
        if changed := _changed(section, default):
            found[name] = changed
    own = ("login", "password", "cinc_mirror")
    found.update({name: _plain(getattr(settings, name)) for name in own if getattr(settings, name) is not None})
    if settings.forge != Settings().forge:
        found["forge"] = settings.forge
    if "nodes" in found.get("proxmox", {}):
        found["proxmox"]["node"] = found["proxmox"].pop("nodes")
    return json.dumps(found, indent=2) + "\n"


def _changed(section: Any, default: Any) -> dict[str, Any]:
    values = ((entry.name, getattr(section, entry.name), getattr(default, entry.name)) for entry in fields(section))
    return {name: _plain(value) for name, value, usual in values if value != usual and value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, int | str) else str(value)


def merge_keys(share: Share, found: Mapping[str, bytes]) -> tuple[str, ...]:
    """Take the key pairs that this side lacks from a control plane's ``keys`` directory; the names that were taken.

    ``found``: contents by file name. A key that both have stays.
    """
    lacking = [name for name in sorted(found) if _KEY.fullmatch(name) and not (share.keys / name).exists()]
    for name in lacking:
        write_atomic(share.keys / name, found[name], mode=0o644 if name.endswith(".pub") else 0o600)
    return tuple(lacking)
