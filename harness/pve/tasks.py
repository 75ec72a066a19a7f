"""PVE's long-running work: wait for its end, and say how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from harness.kit.clock import Deadline
from harness.pve.client import Pve, segment
from harness.pve.errors import PermissionDenied, PveError, TaskFailed, TaskPending

_TAIL: Final = 25
"""Log lines kept for an error."""
_CHUNK: Final = 500
_FIRST_PAUSE: Final = 0.03
_LONGEST_PAUSE: Final = 1.0


@dataclass(frozen=True, slots=True)
class TaskResult:
    """A task that ended well. ``warnings`` counts what PVE calls warnings."""

    upid: str
    exit_status: str
    warnings: int
    log: tuple[str, ...]


def node_of(upid: str) -> str:
    """The node that runs the task."""
    return upid.split(":")[1]


def wait_for(pve: Pve, upid: str, deadline: Deadline, on_log: Callable[[str], None] | None = None) -> TaskResult:
    """Wait until the task ends, passing each new log line to ``on_log``.

    Raises ``TaskFailed`` with the log's tail when it ends badly, ``TaskPending`` when the deadline passes first: the
    task then goes on, for stopping it half way would leave more to clear up than waiting.
    """
    path = f"nodes/{node_of(upid)}/tasks/{segment(upid)}"
    lines: list[str] = []
    pause = _FIRST_PAUSE
    while True:
        status = pve.get(f"{path}/status")
        ended = status.get("status") == "stopped"
        if on_log is not None or ended:
            lines += _new_lines(pve, path, len(lines), on_log)
        if ended:
            return _result(upid, str(status.get("exitstatus", "unexpected status")), lines)
        if deadline.passed:
            raise TaskPending(upid, deadline.seconds, tuple(lines[-_TAIL:]))
        deadline.clock.sleep(min(pause, max(deadline.remaining, 0.001)))
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def _new_lines(pve: Pve, path: str, start: int, on_log: Callable[[str], None] | None) -> list[str]:
    """Log lines from ``start`` on (PVE API schema, GET /nodes/{node}/tasks/{upid}/log).

    A log without a line yet is answered with one that says ``no content``.
    """
    found: list[str] = []
    while True:
        chunk = pve.get(f"{path}/log", start=start + len(found), limit=_CHUNK) or []
        fresh = [line for line in chunk if int(line.get("n", 0)) > start + len(found)]
        texts = [str(line.get("t", "")) for line in fresh if line != {"n": 1, "t": "no content"}]
        found += texts
        for text in texts if on_log else ():
            on_log(text)  # type: ignore[misc]  # the loop is empty without it
        if len(texts) < _CHUNK:
            return found


def _result(upid: str, exit_status: str, lines: list[str]) -> TaskResult:
    """``OK`` and ``WARNINGS: n`` are success; anything else is the error itself."""
    if exit_status == "OK":
        return TaskResult(upid, exit_status, 0, tuple(lines))
    if exit_status.startswith("WARNINGS:"):
        return TaskResult(upid, exit_status, int(exit_status.partition(":")[2]), tuple(lines))
    raise TaskFailed(upid, exit_status, tuple(lines[-_TAIL:]))


def running(pve: Pve, node: str, vmid: int) -> tuple[str, ...]:
    """Ids of the tasks that work on a guest right now, ours or anyone's that we may see, oldest first."""
    listed = pve.get(f"nodes/{node}/tasks", source="active", vmid=vmid) or []
    active = [task for task in listed if not task.get("endtime") and str(task.get("id", "")) == str(vmid)]
    return tuple(str(task["upid"]) for task in sorted(active, key=_start))


def _start(task: dict[str, Any]) -> int:
    return int(task.get("starttime", 0))


def wait_for_earlier(pve: Pve, node: str, vmid: int, deadline: Deadline, on_log: Callable[[str], None]) -> list[str]:
    """Wait for every task an earlier run left working on the guest, however it ends; returns what they ended with.

    Raises ``TaskPending`` when the deadline passes first.
    """
    endings = []
    for upid in running(pve, node, vmid):
        on_log(f"waiting for a task of an earlier run: {upid}")
        try:
            endings.append(wait_for(pve, upid, deadline, on_log).exit_status)
        except TaskFailed as failed:
            endings.append(failed.exit_status)
        except PermissionDenied:
            endings.append("not ours to see")
        except PveError as error:
            endings.append(error.reason)
    return endings
