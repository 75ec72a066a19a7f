"""What the node asks of whatever stands behind its containers.

The node keeps configurations, permissions and tasks; a runtime keeps processes and disks. Everything here is plain
data, so that a runtime needs to know nothing of the API and the API nothing of Docker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from harness.kit.errors import HarnessError

Log = Callable[[str], None]
"""Takes one line of a task's log, without a newline."""


class GuestError(HarnessError):
    """The runtime could not do what was asked; the text becomes the task's error."""


class ArchiveError(GuestError):
    """A template could not be unpacked; the text says how it ended (``exit code 2``)."""


class UnknownTemplateError(GuestError):
    """No template of that name can be had."""


@dataclass(frozen=True, slots=True)
class Bridge:
    """A network bridge of the node: its name and the node's own address on it (the containers' gateway)."""

    name: str
    address: IPv4Interface


@dataclass(frozen=True, slots=True)
class GuestNet:
    """One ``netN``. ``ip`` is None where the container has no address of its own choosing (dhcp, manual)."""

    index: int
    name: str
    bridge: str
    hwaddr: str
    ip: IPv4Interface | None
    gateway: IPv4Address | None


@dataclass(frozen=True, slots=True)
class GuestMount:
    """One ``mpN``. ``source`` is a volume id (``local:110/vm-110-disk-1.raw``) or a path in the node's own root."""

    key: str
    kind: Literal["volume", "bind"]
    source: str
    target: str
    read_only: bool
    backup: bool = field(default=False, repr=False)
    """Whether an archive has its content; left out of the text that shows whether a container must be made anew."""


@dataclass(frozen=True, slots=True)
class GuestDevice:
    """One ``devN``: a device of the host passed through. ``mode`` is octal text, None for the default (0660)."""

    key: str
    path: str
    mode: str | None
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class GuestSpec:
    """Everything needed to make the container of one CT.

    ``image`` is what ``fetch_template`` or ``resolve_template`` returned. ``root_password`` is plain text, needed once
    at creation and never stored by the node; ``ssh_public_keys`` likewise. Memory and swap are in MiB.
    ``cpulimit`` is a number of cores, None for no limit; ``cores`` None means all of the host's.
    """

    vmid: int
    hostname: str
    image: str
    cores: int | None
    cpulimit: float | None
    memory_mib: int
    swap_mib: int
    nets: tuple[GuestNet, ...] = ()
    mounts: tuple[GuestMount, ...] = ()
    devices: tuple[GuestDevice, ...] = ()
    ssh_public_keys: str = field(default="", repr=False)
    root_password: str | None = field(default=None, repr=False)
    nameserver: str | None = None
    searchdomain: str | None = None
    features: Mapping[str, str] = field(default_factory=dict)
    unprivileged: bool = True
    rootfs_bytes: int = 4 << 30
    managed: bool = True
    """Whether files may be laid in; a system of ``ostype=unmanaged`` stays as its archive has it."""


@dataclass(frozen=True, slots=True)
class GuestState:
    """What a container is doing now. Bytes and counters are since its start; ``cpu_fraction`` is of one host core."""

    running: bool
    pid: int | None = None
    uptime_s: int = 0
    cpu_fraction: float = 0.0
    mem_bytes: int = 0
    swap_bytes: int = 0
    disk_bytes: int = 0
    netin: int = 0
    netout: int = 0
    diskread: int = 0
    diskwrite: int = 0


@dataclass(frozen=True, slots=True)
class GuestInterface:
    """A network interface as seen inside a running container. Addresses are with their prefix length."""

    name: str
    hwaddr: str
    inet: tuple[str, ...] = ()
    inet6: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """A template that can be fetched: the file name, and what the template list says about it."""

    name: str
    os: str
    version: str
    headline: str
    description: str = ""
    size_bytes: int = 0
    section: str = "system"
    architecture: str = "amd64"


@runtime_checkable
class CopyingRuntime(Protocol):
    """What a runtime may be able to do besides: make containers out of containers."""

    def clone(self, source: int, snapshot: str | None, spec: GuestSpec, log: Log) -> None:
        """Make a stopped container with the file system of another, or of a snapshot of it."""

    def copy_volume(self, vmid: int, source: str, target: str, log: Log) -> None:
        """Give a volume of a stopped container a second life under another volume id."""


@runtime_checkable
class ArchivingRuntime(Protocol):
    """What a runtime may be able to do besides: write containers to archives, and read them back."""

    def archive(self, vmid: int, config: str, path: Path | None, log: Log) -> int:
        """Write file system and configuration to ``path``; returns its bytes. Without a path nothing is written."""

    def restore(self, spec: GuestSpec, path: Path | None, log: Log, *, over: bool) -> None:
        """Make a stopped container from an archive; ``over``: in the place of another, which stays on failure.

        The other's volumes and snapshots stay too, for ``delete_volume`` and ``mend``.
        """


@runtime_checkable
class ImportingRuntime(Protocol):
    """What a runtime may be able to do besides: make containers of templates that come as files."""

    def import_template(self, path: Path, log: Log) -> str:
        """Get a template from its file; returns the image for ``GuestSpec``."""


@runtime_checkable
class MendingRuntime(Protocol):
    """What a runtime may be able to do besides: clear away what an action that was cut off has left."""

    def mend(self, vmid: int, snapshots: frozenset[str]) -> None:
        """Remove what belongs to none of the snapshots that the container has."""


class Runtime(Protocol):
    """Containers by VMID. Every method may raise ``GuestError``; none returns before its work is done."""

    def prepare_bridges(self, bridges: Sequence[Bridge]) -> None:
        """Make the networks before the node listens on their addresses; existing ones of this node are kept."""

    def create(self, spec: GuestSpec, log: Log) -> None:
        """Make a stopped container; on failure nothing of it is left."""

    def start(self, vmid: int, log: Log) -> None:
        """Start a stopped container; returns when its init runs."""

    def stop(self, vmid: int) -> None:
        """Kill a container; stopping a stopped one does nothing."""

    def shutdown(self, vmid: int, timeout: float) -> None:
        """Ask init to shut down; raises ``GuestError`` when it still runs after ``timeout`` seconds."""

    def delete(self, vmid: int) -> None:
        """Remove container, image layers, snapshots, volumes and leases; deleting nothing is no error."""

    def update(self, spec: GuestSpec, changed: frozenset[str]) -> frozenset[str]:
        """Apply the changed configuration keys; returns those that wait for a restart.

        On a stopped container everything is applied (or noted for its next start) and nothing waits.
        """

    def state(self, vmid: int) -> GuestState:
        """The state of one container; a missing one is not running."""

    def states(self) -> Mapping[int, GuestState]:
        """The state of all of them, with one call to the engine."""

    def snapshot(self, vmid: int, name: str, log: Log) -> None:
        """Keep the file system as it is now."""

    def rollback(self, vmid: int, name: str, spec: GuestSpec, log: Log) -> None:
        """Bring the file system of a snapshot back; the container is left stopped, with ``spec``."""

    def delete_snapshot(self, vmid: int, name: str) -> None:
        """Forget a snapshot; an unknown one is no error."""

    def delete_volume(self, vmid: int, source: str) -> None:
        """Remove a volume of the container that no configuration names any more; an unknown one is no error."""

    def resize(self, vmid: int, key: str, size_bytes: int) -> None:
        """Grow ``rootfs`` or ``mpN`` to a size."""

    def interfaces(self, vmid: int) -> Sequence[GuestInterface]:
        """The interfaces of a running container, loopback included; empty when it is stopped."""

    def templates(self) -> Sequence[Template]:
        """What can be fetched, for the template list."""

    def fetch_template(self, name: str, log: Log) -> str:
        """Get a template, from where it usually comes or by building it; returns the image for ``GuestSpec``."""

    def resolve_template(self, name: str) -> str | None:
        """The image of a template that was fetched earlier, or None."""

    def forget_template(self, name: str) -> None:
        """Remove a fetched template; an unknown one is no error."""
