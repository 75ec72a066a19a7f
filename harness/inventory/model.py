"""What a container shall be: frozen values, resolved and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

from harness.config.origin import Origin
from harness.kit.errors import Problem

CONTROL_PLANE = "config"
CONTROL_PLANE_HOME = Path("harness") / "controlplane"
"""Where the control plane's cookbook and specs lie: they are part of the harness, not of a library."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A volume on a storage, ``local-lvm:8``; size in GiB (fractions allowed)."""

    storage: str
    size_gib: float


@dataclass(frozen=True, slots=True)
class BindMount:
    """``/host/path:/container/path``: a directory of the node."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class VolumeMount:
    """``storage:size:/path``: a volume of its own, size in GiB."""

    storage: str
    size_gib: float
    target: str


@dataclass(frozen=True, slots=True)
class DeviceMount:
    """``/dev/…``: a device of the node."""

    path: str


@dataclass(frozen=True, slots=True)
class ShareMount:
    """A bare word: the control plane's network share of that name, mounted over cifs."""

    name: str


Mount = BindMount | VolumeMount | DeviceMount | ShareMount


@dataclass(frozen=True, slots=True)
class Container:
    """One container as the repository wants it. Sizes in MiB where not named otherwise."""

    name: str
    """The library's folder name; ``config`` for the control plane's own container."""
    directory: Path
    """Where its config.env, recipes and specs lie."""
    hostname: str
    vmid: int
    address: IPv4Interface
    """The resolved address with its prefix length: what plan, recipes and specs see."""
    declared_address: IPv4Interface
    """The address as written; differs from ``address`` only where an embedded node moved the network."""
    gateway: IPv4Address
    node: str
    bridge: str
    interface: str
    cores: int
    memory: int
    swap: int
    disk: Disk
    onboot: bool
    mounts: tuple[Mount, ...]
    needs: tuple[str, ...]
    unprivileged: bool
    features: tuple[tuple[str, str], ...]
    """``nesting=1,keyctl=1`` as ordered pairs."""
    nameserver: str | None
    searchdomain: str | None
    startup: str | None
    tags: tuple[str, ...]
    engine: str
    """``auto``, ``cinc`` or ``itamae``."""
    ostemplate: str
    """Template name without storage, architecture and suffix (``debian-13-standard``), or a full volume id."""
    stage: str | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """By key as in config.env (``IP``, ``MEMORY`` …)."""

    @property
    def is_control_plane(self) -> bool:
        """Whether this is the root config.env's container."""
        return self.name == CONTROL_PLANE

    @property
    def cookbook(self) -> Path:
        """Directory of its cookbook (``recipes``, ``templates`` …)."""
        return self.directory / CONTROL_PLANE_HOME / "cookbook" if self.is_control_plane else self.directory

    @property
    def specs(self) -> Path:
        """Directory of its specs."""
        return (self.directory / CONTROL_PLANE_HOME if self.is_control_plane else self.directory) / "specs"

    @property
    def domain(self) -> str:
        """The domain its hostname lives in (``searchdomain`` or ``internal``)."""
        return self.searchdomain or "internal"


@dataclass(frozen=True, slots=True)
class Inventory:
    """All containers, every one after those it NEEDS."""

    containers: tuple[Container, ...]
    warnings: tuple[Problem, ...] = ()
    notices: tuple[str, ...] = ()
    """What was decided for the user, such as a moved network."""
    bridge: IPv4Interface | None = None
    """The gateway with the prefix length of the bridge's network (``10.143.0.1/24``), resolved; None on a Proxmox VE
    host whose gateway is not configured."""
    networks: Mapping[str, str] = field(default_factory=dict)
    """The bridge's network as declared → as resolved, also where both are the same; empty off the embedded node."""

    def __getitem__(self, name: str) -> Container:
        for container in self.containers:
            if container.name == name:
                return container
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Container names in deployment order."""
        return tuple(container.name for container in self.containers)

    @property
    def deployable(self) -> tuple[Container, ...]:
        """Everything but the control plane's own container."""
        return tuple(container for container in self.containers if not container.is_control_plane)
