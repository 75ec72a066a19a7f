"""Nothing of a job outlives the runner: a guard process that starts it, and ends what it leaves behind.

The guard adopts orphans. When the runner proper ends, however that came, everything below the guard is killed. When
the guard itself is killed, the kernel sends the runner SIGUSR1, and the runner ends its jobs. Both killed at once:
the next start finds the processes by their mark.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType

from harness.embedded.runner import processes
from harness.kit.errors import DeadlineError

GUARD_GONE = signal.SIGUSR1


def guarded(work: Callable[[], int]) -> int:
    """Run ``work`` in a child; returns its exit code, 137 when it was killed. Call it before any thread starts."""
    guard = os.getpid()
    processes.adopt_orphans()
    child = os.fork()
    if child == 0:
        os._exit(_child(guard, work))

    def pass_on(number: int, _frame: FrameType | None) -> None:
        os.kill(child, signal.SIGTERM if number == signal.SIGINT else number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, pass_on)
    code = _wait(child)
    return code if _sweep(guard) else max(code, 1)


def _child(guard: int, work: Callable[[], int]) -> int:
    """Whatever happens, the child does not go on where the guard would."""
    try:
        processes.signal_when_parent_ends(GUARD_GONE)
        if os.getppid() != guard:
            return 137
        return work()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        import traceback  # noqa: PLC0415

        traceback.print_exc()
        return 1


def _wait(child: int) -> int:
    """Wait for the child, reaping orphans meanwhile."""
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _sweep(guard: int) -> bool:
    def living() -> list[int]:
        _reap()
        return processes.descendants(guard)

    try:
        processes.kill_all(living)
    except DeadlineError:
        return False
    return True


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return
