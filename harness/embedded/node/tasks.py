"""Worker tasks: each runs in a thread of its own, writes its log line by line, and ends with a status.

A node that is killed leaves its running tasks without an end; the next start gives them PVE's text for that.
"""

from __future__ import annotations

import itertools
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness.embedded.node.faults import Plan
from harness.embedded.node.store import Store
from harness.embedded.node.upid import Upid, parse
from harness.kit.errors import HarnessError

UNEXPECTED = "unexpected status"
_KEPT = 2000
_CUT_SECONDS = 5.0
_BEGUN = frozenset(("vzcreate", "vzrestore", "vzclone", "move_volume"))
"""Tasks that have begun something before they run: they fail within their work, which undoes it."""
_log = logging.getLogger(__name__)


class InterruptedTaskError(HarnessError):
    """The task was told to stop."""


class FaultError(HarnessError):
    """The task was told to fail, by a fault plan."""


class Task:
    """A running task, as its own work sees it."""

    def __init__(self, upid: Upid, store: Store) -> None:
        self.upid = upid
        self.warnings = 0
        self.fault: str | None = None
        self.interrupted = threading.Event()
        self.done = threading.Event()
        self.killed = threading.Event()
        self._store = store
        self._count = 0

    def log(self, text: str) -> None:
        """Add a line; raises ``InterruptedTaskError`` when the task was told to stop."""
        if self.killed.is_set() or (self.interrupted.is_set() and not self.done.is_set()):
            raise InterruptedTaskError("received interrupt")
        if self.fault:
            text, self.fault = self.fault, None
            raise FaultError(text)
        self.append(text)

    def append(self, text: str) -> None:
        """Add a line whatever happened."""
        if self.killed.is_set():
            return
        for line in text.split("\n"):
            self._count += 1
            self._store.append_line(str(self.upid), self._count, line)

    def warn(self, text: str) -> None:
        """Add a warning, which the exit status counts."""
        self.warnings += 1
        self.log(f"WARN: {text}")


Work = Callable[[Task], None]


class Tasks:
    """All tasks of the node: those that run and those that ended."""

    def __init__(self, node: str, store: Store, faults: Plan | None = None) -> None:
        self._node = node
        self._faults = faults or Plan()
        self._store = store
        self._ended = store.table("task")
        self._begun = store.table("task-begun")
        self._running: dict[str, Task] = {}
        self._lock = threading.Lock()
        self._pids = itertools.count(os.getpid() % 30000 + 1000)
        self._close_interrupted()

    def _close_interrupted(self) -> None:
        for upid in self._begun:
            self._ended.put(upid, {"endtime": int(time.time()), "status": UNEXPECTED})
            self._begun.delete(upid)

    def start(self, kind: str, subject: str | int, user: str, work: Work) -> str:
        """Run ``work`` in a thread; returns the task's identifier at once."""
        task = self._register(kind, str(subject), user)
        threading.Thread(target=self._run, args=(task, work), name=str(task.upid), daemon=True).start()
        return str(task.upid)

    def _register(self, kind: str, subject: str, user: str) -> Task:
        pstart = int(time.clock_gettime(time.CLOCK_BOOTTIME) * 100) & 0xFFFFFFFF
        upid = Upid(self._node, next(self._pids), pstart, int(time.time()), kind, subject, user)
        task = Task(upid, self._store)
        with self._lock:
            self._running[str(upid)] = task
        self._begun.put(str(upid), {})
        return task

    def _run(self, task: Task, work: Work) -> None:
        fault = self._faults.take("fail-task", task=task.upid.kind, vmid=task.upid.subject)
        try:
            if fault and task.upid.kind not in _BEGUN:
                raise FaultError(fault.text)
            task.fault = fault.text if fault else None
            work(task)
            if task.fault:
                raise FaultError(task.fault)
            status = f"WARNINGS: {task.warnings}" if task.warnings else "OK"
            last = f"TASK {status}"
        except HarnessError as error:
            status = " ".join(str(error).strip().split("\n"))
            last = f"TASK ERROR: {status}"
        except Exception as error:
            # A mistake of ours must not leave a task that never ends; the trace belongs in the node's own log.
            _log.exception("task %s", task.upid)
            status = f"{type(error).__name__}: {error}".replace("\n", " ")
            last = f"TASK ERROR: {status}"
        self._finish(task, status, last)

    def cut_off(self) -> None:
        """End every running task as a host that goes down does: no end in its log, an unexpected status."""
        with self._lock:
            cut = list(self._running.items())
            for upid, task in cut:
                task.killed.set()
                self._ended.put(upid, {"endtime": int(time.time()), "status": UNEXPECTED})
                self._begun.delete(upid)
                self._running.pop(upid)
        for _, task in cut:
            task.done.wait(_CUT_SECONDS)

    def _finish(self, task: Task, status: str, last: str) -> None:
        if task.killed.is_set():
            task.done.set()
            return
        task.append(last)
        upid = str(task.upid)
        self._ended.put(upid, {"endtime": int(time.time()), "status": status})
        self._begun.delete(upid)
        with self._lock:
            self._running.pop(upid, None)
            if len(self._ended) > _KEPT:
                self._ended.delete(next(iter(self._ended)))
        task.done.set()

    def wait(self, upid: str, seconds: float) -> bool:
        """Whether the task ended within ``seconds``."""
        task = self._running.get(upid)
        return task is None or task.done.wait(seconds)

    def interrupt(self, upid: str) -> None:
        """Tell a running task to stop; an ended one stays as it is."""
        task = self._running.get(upid)
        if task:
            task.interrupted.set()

    def known(self, upid: str) -> bool:
        """Whether there is or was such a task."""
        return upid in self._running or upid in self._ended

    def status(self, upid: str) -> dict[str, Any]:
        """What ``GET …/status`` shows of a known task."""
        facts = _facts(upid)
        ended = self._ended.get(upid)
        if upid in self._running or ended is None:
            return {**facts, "status": "running"}
        return {**facts, "status": "stopped", "exitstatus": ended["status"]}

    def running(self) -> list[dict[str, Any]]:
        """The tasks that run, newest first."""
        return [_facts(upid) for upid in reversed(list(self._running))]

    def ended(self) -> list[dict[str, Any]]:
        """The tasks that ended, newest first."""
        return [{**_facts(upid), **record} for upid, record in reversed(self._ended.items())]

    def log(self, upid: str, start: int, limit: int | None) -> tuple[list[tuple[int, str]], int]:
        """Lines of a log, and how many it has in all."""
        return self._store.lines(upid, start, limit), self._store.line_count(upid)


def _facts(upid: str) -> dict[str, Any]:
    parsed = parse(upid)
    return dict(parsed.facts) if parsed else {"upid": upid}


def classify(status: str) -> str:
    """``ok``, ``warning``, ``error`` or ``unknown``, as the status filter names them."""
    if status == "OK":
        return "ok"
    if re.match(r"WARNINGS: \d+$", status):
        return "warning"
    return "unknown" if status == UNEXPECTED else "error"


def matching(tasks: Iterable[Mapping[str, Any]], wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tasks that pass the filters of ``GET /nodes/{node}/tasks``."""
    return [dict(task) for task in tasks if all(_passes(task, name, value) for name, value in wanted.items())]


def _passes(task: Mapping[str, Any], name: str, value: Any) -> bool:
    state = classify(str(task.get("status", "")))
    rules: dict[str, Callable[[], bool]] = {
        "userfilter": lambda: str(value) in _full_user(task),
        "typefilter": lambda: task["type"] == value,
        "vmid": lambda: str(task["id"]) == str(value),
        "since": lambda: int(task["starttime"]) >= int(value),
        "until": lambda: int(task["starttime"]) <= int(value),
        "errors": lambda: not value or ("status" in task and state not in ("ok", "warning")),
        "statusfilter": lambda: "status" in task and state in value,
        "user": lambda: _full_user(task) == value,
    }
    return rules[name]()


def _full_user(task: Mapping[str, Any]) -> str:
    token = task.get("tokenid")
    return f"{task['user']}!{token}" if token else str(task["user"])
