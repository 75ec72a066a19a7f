"""The runner adopts what its jobs orphan, and reaps it; what it started itself is waited for where it was started."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable

from harness.embedded.runner import processes

_lock = threading.Lock()
_own: set[int] = set()


def spawn(start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    """Start a process that its starter waits for; ``forget`` it afterwards."""
    with _lock:
        process = start()
        _own.add(process.pid)
    return process


def forget(process: subprocess.Popen[bytes]) -> None:
    """It has been waited for."""
    with _lock:
        _own.discard(process.pid)


def strays() -> list[int]:
    """Living descendants of this process, except those that somebody waits for; ended ones are reaped."""
    with _lock:
        found = [pid for pid in processes.descendants(os.getpid()) if pid not in _own]
        return [pid for pid in found if not _reaped(pid)]


def _reaped(pid: int) -> bool:
    if not processes.ended(pid):
        return False
    with contextlib.suppress(ChildProcessError):  # a grandchild: its own parent reaps it
        os.waitpid(pid, os.WNOHANG)
    return True
