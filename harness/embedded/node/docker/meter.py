"""What a container is using, read from the kernel's own files: no call to the engine, half a millisecond each."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.embedded.node.runtime import GuestState

CGROUP = Path("/sys/fs/cgroup")
PROC = Path("/proc")
_STOPPED = GuestState(running=False)


@dataclass(frozen=True, slots=True)
class Process:
    """A container's init on the host. ``ticks`` is its start time (proc(5), stat field 22): a pid may be reused."""

    pid: int
    ticks: int
    started: float
    """Wall-clock seconds since the epoch."""

    @property
    def alive(self) -> bool:
        """Whether it is still that very process."""
        return start_ticks(self.pid) == self.ticks


def start_ticks(pid: int, proc: Path = PROC) -> int | None:
    """When a process began, in clock ticks since boot; None when there is none or it is a zombie."""
    try:
        fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


class Meter:
    """Reads one container; ``cpu_fraction`` is over the time since the last reading."""

    def __init__(self, process: Process, container: str, cgroup: Path = CGROUP, proc: Path = PROC) -> None:
        self.process = process
        self._proc = proc / str(process.pid)
        self._paths = dict(_cgroups(self._proc, container, cgroup))
        self._last: tuple[float, int] = (process.started, 0)

    def read(self) -> GuestState:
        """The state now; a container that has ended is not running."""
        if start_ticks(self.process.pid, self._proc.parent) != self.process.ticks:
            return _STOPPED
        unified = self._paths.get("")
        memory, swap = self._memory_v2(unified) if unified else self._memory_v1()
        read, written = _io_v2(unified) if unified else self._io_v1()
        received, sent = _traffic(self._proc / "net/dev")
        return GuestState(
            running=True,
            pid=self.process.pid,
            uptime_s=max(0, int(time.time() - self.process.started)),
            cpu_fraction=self._cpu(unified),
            mem_bytes=memory,
            swap_bytes=swap,
            netin=received,
            netout=sent,
            diskread=read,
            diskwrite=written,
        )

    def _cpu(self, unified: Path | None) -> float:
        used = _field(unified / "cpu.stat", "usage_usec") * 1000 if unified else self._cpu_v1()
        now = time.time()
        since, before = self._last
        self._last = (now, used)
        return max(0.0, (used - before) / 1e9 / (now - since)) if now > since else 0.0

    def _cpu_v1(self) -> int:
        accounting = self._paths.get("cpuacct")
        return _number(accounting / "cpuacct.usage") if accounting else 0

    def _io_v1(self) -> tuple[int, int]:
        """A kernel of today counts a group's bytes only where it holds them down; then the processes are asked."""
        read, written = _io_v1(self._paths.get("blkio"))
        if read or written or "blkio" not in self._paths:
            return read, written
        processes = _words(self._paths["blkio"] / "cgroup.procs")
        return _io_of_processes([self._proc.parent / line[0] for line in processes if line])

    def _memory_v1(self) -> tuple[int, int]:
        memory = self._paths.get("memory")
        if memory is None:
            return 0, 0
        used = _number(memory / "memory.usage_in_bytes")
        cache = _field(memory / "memory.stat", "total_inactive_file")
        both = _number(memory / "memory.memsw.usage_in_bytes")
        return max(0, used - cache), max(0, both - used)

    def _memory_v2(self, unified: Path) -> tuple[int, int]:
        used = _number(unified / "memory.current")
        cache = _field(unified / "memory.stat", "inactive_file")
        return max(0, used - cache), _number(unified / "memory.swap.current")


def _cgroups(proc: Path, container: str, root: Path) -> Iterator[tuple[str, Path]]:
    """(controller, directory) of a container's own groups; the controller of cgroup v2 is the empty string.

    From ``/proc/<pid>/cgroup``: systemd inside moves its init one group down, so the path is cut after the part that
    names the container.
    """
    try:
        lines = (proc / "cgroup").read_text().splitlines()
    except OSError:
        return
    unified = len(lines) == 1
    for line in lines:
        _, controllers, path = line.split(":", 2)
        parts = path.split("/")
        depth = next((number for number, part in enumerate(parts) if container in part), None)
        if depth is None or (not controllers and not unified):
            continue
        for controller in controllers.split(","):
            yield controller, root / controllers / "/".join(parts[1 : depth + 1])


def _number(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0


def _field(path: Path, name: str) -> int:
    """A value of a file of "name value" lines; 0 where there is none."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0)


def _io_v1(group: Path | None) -> tuple[int, int]:
    """(read, written) bytes from lines such as ``8:0 Read 4096``."""
    words = _words(group / "blkio.throttle.io_service_bytes") if group else []
    read = sum(int(line[2]) for line in words if len(line) == 3 and line[1] == "Read")
    return read, sum(int(line[2]) for line in words if len(line) == 3 and line[1] == "Write")


def _io_of_processes(processes: Iterable[Path]) -> tuple[int, int]:
    """(read, written) bytes of ``/proc/<pid>/io``, which includes those of children that have ended."""
    lines = [(line[0], int(line[1])) for process in processes for line in _words(process / "io") if len(line) == 2]
    read = sum(value for name, value in lines if name == "read_bytes:")
    return read, sum(value for name, value in lines if name == "write_bytes:")


def _io_v2(group: Path) -> tuple[int, int]:
    """(read, written) bytes from lines such as ``8:0 rbytes=4096 wbytes=0 …``."""
    pairs = [word.partition("=") for line in _words(group / "io.stat") for word in line[1:]]
    read = sum(int(value) for name, _, value in pairs if name == "rbytes")
    return read, sum(int(value) for name, _, value in pairs if name == "wbytes")


def _traffic(device_table: Path) -> tuple[int, int]:
    """(received, sent) bytes of ``/proc/<pid>/net/dev``, loopback left out."""
    rows = [line for line in _words(device_table) if line and line[0].endswith(":") and line[0] != "lo:"]
    return sum(int(row[1]) for row in rows), sum(int(row[9]) for row in rows)


def _words(path: Path) -> list[list[str]]:
    try:
        return [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return []
