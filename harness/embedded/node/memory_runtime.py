"""A runtime with nothing behind it: containers are records in memory, for contract tests, fixtures and benches."""

# ruff: noqa: ARG002 - the signatures are the protocol's

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.embedded.node.runtime import (
    ArchiveError,
    Bridge,
    GuestError,
    GuestInterface,
    GuestSpec,
    GuestState,
    Log,
    Template,
    UnknownTemplateError,
)

STANDARD = (
    Template(
        name="debian-13-standard_13.1-2_amd64.tar.zst",
        os="debian-13",
        version="13.1-2",
        headline="Debian 13 Trixie (standard)",
        description="A small Debian Trixie system including all standard packages.",
        size_bytes=129_710_398,
    ),
    Template(
        name="debian-12-standard_12.12-1_amd64.tar.zst",
        os="debian-12",
        version="12.12-1",
        headline="Debian 12 Bookworm (standard)",
        description="A small Debian Bookworm system including all standard packages.",
        size_bytes=126_515_062,
    ),
)
_SMALLEST_ROOTFS = 280 << 20  # a Debian standard template does not fit into less


@dataclass(frozen=True, slots=True)
class _Guest:
    spec: GuestSpec
    started: float | None = None
    pid: int | None = None


class MemoryRuntime:
    """Containers without containers. ``seconds`` is how long creating one takes."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self._guests: dict[int, _Guest] = {}
        self._images: dict[str, str] = {}
        self._lock = threading.Lock()
        self._next_pid = 20000

    def prepare_bridges(self, bridges: Sequence[Bridge]) -> None:
        """Nothing to make."""

    def create(self, spec: GuestSpec, log: Log) -> None:
        """Note the container after the time that creating takes; the log call lets an interrupt through."""
        if spec.rootfs_bytes and spec.rootfs_bytes < _SMALLEST_ROOTFS:
            log("tar: ./usr/sbin/swaplabel: Cannot write: No space left on device")
            raise ArchiveError("exit code 2")
        end = time.monotonic() + self.seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.05))
            log("")
        log("Total bytes read: 275783680 (264MiB, 200MiB/s)")
        with self._lock:
            self._guests[spec.vmid] = _Guest(spec)

    def start(self, vmid: int, log: Log) -> None:
        """Mark it as running."""
        with self._lock:
            self._next_pid += 1
            self._guests[vmid] = replace(self._need(vmid), started=time.monotonic(), pid=self._next_pid)

    def _need(self, vmid: int) -> _Guest:
        guest = self._guests.get(vmid)
        if guest is None:
            raise GuestError(f"container {vmid} is not there")
        return guest

    def stop(self, vmid: int) -> None:
        """Mark it as stopped."""
        with self._lock:
            if vmid in self._guests:
                self._guests[vmid] = replace(self._guests[vmid], started=None, pid=None)

    def shutdown(self, vmid: int, timeout: float) -> None:
        """The same as stop: nothing inside could refuse."""
        self.stop(vmid)

    def delete(self, vmid: int) -> None:
        """Forget it."""
        with self._lock:
            self._guests.pop(vmid, None)

    def update(self, spec: GuestSpec, changed: frozenset[str]) -> frozenset[str]:
        """Everything applies at once."""
        with self._lock:
            old = self._guests.get(spec.vmid)
            self._guests[spec.vmid] = replace(old, spec=spec) if old else _Guest(spec)
        return frozenset()

    def state(self, vmid: int) -> GuestState:
        """Running with a little of everything, or stopped."""
        guest = self._guests.get(vmid)
        if guest is None or guest.started is None:
            return GuestState(running=False)
        return GuestState(
            running=True,
            pid=guest.pid,
            uptime_s=int(time.monotonic() - guest.started),
            mem_bytes=6_737_920,
            disk_bytes=313_892_864,
            diskread=4_915_200,
            diskwrite=81_920,
        )

    def states(self) -> Mapping[int, GuestState]:
        """All of them."""
        return {vmid: self.state(vmid) for vmid in list(self._guests)}

    def snapshot(self, vmid: int, name: str, log: Log) -> None:
        """There is no file system to keep."""

    def rollback(self, vmid: int, name: str, spec: GuestSpec, log: Log) -> None:
        """Stopped, with the old settings."""
        with self._lock:
            self._guests[vmid] = _Guest(spec)

    def delete_snapshot(self, vmid: int, name: str) -> None:
        """There is nothing to forget."""

    def delete_volume(self, vmid: int, source: str) -> None:
        """There is no volume."""

    def resize(self, vmid: int, key: str, size_bytes: int) -> None:
        """There is no disk."""

    def clone(self, source: int, snapshot: str | None, spec: GuestSpec, log: Log) -> None:
        """A record more."""
        with self._lock:
            self._guests[spec.vmid] = _Guest(spec)

    def copy_volume(self, vmid: int, source: str, target: str, log: Log) -> None:
        """There is no volume."""

    def archive(self, vmid: int, config: str, path: Path | None, log: Log) -> int:
        """An archive of nothing."""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        return 89_754_927

    def restore(self, spec: GuestSpec, path: Path | None, log: Log, *, over: bool) -> None:
        """A record more."""
        with self._lock:
            self._guests[spec.vmid] = _Guest(spec)

    def interfaces(self, vmid: int) -> Sequence[GuestInterface]:
        """Loopback and what the settings say."""
        guest = self._guests.get(vmid)
        if guest is None or guest.started is None:
            return ()
        loopback = GuestInterface("lo", "00:00:00:00:00:00", ("127.0.0.1/8",), ("::1/128",))
        nets = [GuestInterface(n.name, n.hwaddr.lower(), (str(n.ip),) if n.ip else ()) for n in guest.spec.nets]
        return (loopback, *nets)

    def import_template(self, path: Path, log: Log) -> str:
        """The file's name."""
        return path.name

    def templates(self) -> Sequence[Template]:
        """The two Debian standard templates."""
        return STANDARD

    def fetch_template(self, name: str, log: Log) -> str:
        """Any name that looks like a system template is there at once."""
        if "_" not in name:
            raise UnknownTemplateError(f"no such template '{name}'")
        self._images[name] = name
        return name

    def resolve_template(self, name: str) -> str | None:
        """The name itself once fetched."""
        return self._images.get(name)

    def forget_template(self, name: str) -> None:
        """Forget the name."""
        self._images.pop(name, None)
