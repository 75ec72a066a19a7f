"""The processes of jobs: found by group, by descent or by a mark in their environment, and ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Callable
from pathlib import Path

from harness.kit.clock import Deadline, wait_until

MARK = "RUNNER_TRACKING_ID"  # the name that GitHub's runner uses for the same purpose
_PROC = Path("/proc")
_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def adopt_orphans() -> None:
    """Descendants whose parents end become children of this process (prctl(2), PR_SET_CHILD_SUBREAPER)."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def signal_when_parent_ends(number: signal.Signals) -> None:
    """The kernel sends ``number`` when the parent ends (prctl(2), PR_SET_PDEATHSIG)."""
    _prctl(_SET_PDEATHSIG, number)


def signal_group(group: int, number: signal.Signals) -> None:
    """To every process of the group; one that is gone is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def marked(mark: str) -> list[int]:
    """Processes whose environment carries ``mark``, this one excepted."""
    wanted = f"{MARK}={mark}".encode()
    return [pid for pid in _all() if pid != os.getpid() and wanted in _read(pid, "environ").split(b"\0")]


def descendants(root: int) -> list[int]:
    """Children of ``root``, their children and so on."""
    parents = {pid: _parent(pid) for pid in _all()}
    found, fresh = [], [root]
    while fresh:
        fresh = [pid for pid, parent in parents.items() if parent in fresh]
        found += fresh
    return found


def kill_all(find: Callable[[], list[int]], seconds: float = 5.0) -> None:
    """SIGKILL what ``find`` finds until it finds nothing; raises ``DeadlineError`` when something stays."""

    def none_left() -> bool:
        living = [pid for pid in find() if not ended(pid)]
        for pid in living:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        return not living

    wait_until(none_left, Deadline(seconds), "processes of a job that do not end")


def _all() -> list[int]:
    return [int(path.name) for path in _PROC.iterdir() if path.name.isdigit()]


def _read(pid: int, name: str) -> bytes:
    try:
        return (_PROC / str(pid) / name).read_bytes()
    except OSError:  # it has ended, or belongs to somebody else
        return b""


def _status(pid: int) -> list[bytes]:
    """State, parent and so on: what stands behind the name in ``/proc/<pid>/stat``."""
    return _read(pid, "stat").rpartition(b")")[2].split()


def _parent(pid: int) -> int:
    found = _status(pid)
    return int(found[1]) if len(found) > 1 else 0


def ended(pid: int) -> bool:
    """Whether it is gone, or only waits to be reaped."""
    found = _status(pid)
    return not found or found[0] in (b"Z", b"X")
