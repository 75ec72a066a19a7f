"""After a kill: the processes that were left are ended, interrupted tasks marked, work directories removed."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable

from harness.embedded.runner import processes
from harness.embedded.runner.protocol import Conclusion
from harness.embedded.runner.settings import RunnerSettings
from harness.embedded.runner.spool import TaskSpool, reopen_all
from harness.embedded.runner.workspace import remove_tree
from harness.kit.clock import Deadline, wait_until
from harness.kit.errors import DeadlineError, UsageError
from harness.kit.files import private_directory

_log = logging.getLogger(__name__)


def lock(settings: RunnerSettings, seconds: float) -> int:
    """Hold the state for as long as this process and its children live; a killed runner's may take a while to end.

    Raises ``UsageError`` when another runner holds it for ``seconds``.
    """
    descriptor = os.open(settings.lock, os.O_RDWR | os.O_CREAT, 0o600)

    def got() -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    try:
        wait_until(got, Deadline(seconds), "the lock of the runner's state")
    except DeadlineError as late:
        raise UsageError(
            f"another runner uses {settings.state}", hint="stop it, or give this one another --state"
        ) from late
    return descriptor


def recover(settings: RunnerSettings, changed: Callable[[], None]) -> list[TaskSpool]:
    """What is still to be told of earlier tasks; those that had not ended are interrupted now."""
    found = reopen_all(settings.spool, changed)
    for spool in found:
        _end(spool)
    for directory in private_directory(settings.work).iterdir():
        remove_tree(directory)
    return found


def _end(spool: TaskSpool) -> None:
    mark = spool.state.mark
    if mark:
        try:
            processes.kill_all(lambda: processes.marked(mark))
        except DeadlineError as stays:
            _log.error("job %s: %s", spool.name, stays)
    if not spool.state.conclusion:
        _log.info("job %s was interrupted", spool.name)
        spool.conclude(Conclusion.INTERRUPTED)
