"""Waiting for PVE's tasks: how they end, what they print, and when we stop waiting."""

from __future__ import annotations

from typing import Any, cast

import pytest

from harness.kit.clock import Deadline
from harness.pve import tasks
from harness.pve.client import Pve
from harness.pve.errors import PveError, TaskFailed, TaskPending
from tests.samples import FakeClock

UPID = "UPID:pve:000019A7:000653EB:6B03E842:vzcreate:110:root@pam:"
PATH = f"nodes/pve/tasks/{UPID}"


class Tasks:
    """A PVE that knows tasks: each ends when its time has come."""

    def __init__(self, clock: FakeClock, ends: dict[str, tuple[float, str]], log: tuple[str, ...] = ()) -> None:
        self.clock = clock
        self.ends = ends
        self.log = log
        self.listed: list[dict[str, Any]] = []

    def get(self, path: str, **params: Any) -> Any:
        if path == "nodes/pve/tasks":
            return [task for task in self.listed if params["source"] == "active"]
        upid, _, what = path.removeprefix("nodes/pve/tasks/").rpartition("/")
        if upid not in self.ends:
            raise PveError(f"GET {path}", 400, "Parameter verification failed.", {"upid": "no such task"})
        at, exit_status = self.ends[upid]
        if what == "log":
            lines = [{"n": number + 1, "t": text} for number, text in enumerate(self.log)]
            return lines[params["start"] : params["start"] + params["limit"]]
        ended = self.clock.time >= at
        return {"status": "stopped", "exitstatus": exit_status} if ended else {"status": "running"}


def pve(ends: dict[str, tuple[float, str]], log: tuple[str, ...] = ()) -> tuple[Pve, Tasks, FakeClock]:
    clock = FakeClock()
    fake = Tasks(clock, ends, log)
    return cast("Pve", fake), fake, clock


def test_a_task_that_ends_well_brings_its_log() -> None:
    door, _, clock = pve({UPID: (3.0, "OK")}, ("extracting archive", "TASK OK"))
    result = tasks.wait_for(door, UPID, Deadline(60, clock))
    assert (result.exit_status, result.warnings, result.log) == ("OK", 0, ("extracting archive", "TASK OK"))


def test_warnings_are_no_failure() -> None:
    door, _, clock = pve({UPID: (0.0, "WARNINGS: 2")})
    assert tasks.wait_for(door, UPID, Deadline(60, clock)).warnings == 2


def test_a_failure_shows_the_words_and_the_end_of_the_log() -> None:
    log = tuple(f"line {number}" for number in range(2000))
    door, _, clock = pve({UPID: (0.0, "unable to create CT 110 - no space left on device")}, log)
    with pytest.raises(TaskFailed, match="vzcreate 110 task failed: unable to create CT 110 - no space left") as caught:
        tasks.wait_for(door, UPID, Deadline(60, clock))
    assert caught.value.log[-1] == "line 1999"
    assert caught.value.detail is not None
    assert len(caught.value.log) < 100


def test_each_log_line_is_passed_on_once() -> None:
    door, _, clock = pve({UPID: (5.0, "OK")}, tuple(f"line {number}" for number in range(1200)))
    seen: list[str] = []
    tasks.wait_for(door, UPID, Deadline(60, clock), seen.append)
    assert seen == [f"line {number}" for number in range(1200)]


def test_a_task_without_end_is_left_running_and_named() -> None:
    door, _, clock = pve({UPID: (1e9, "OK")}, ("downloading",))
    with pytest.raises(TaskPending, match=UPID) as caught:
        tasks.wait_for(door, UPID, Deadline(60, clock), lambda line: None)
    assert 60 <= clock.time < 62
    assert caught.value.log == ("downloading",)
    assert "again" in (caught.value.hint or "")


def test_tasks_of_an_earlier_run_are_waited_for_however_they_end() -> None:
    failed = UPID.replace("000019A7", "000019A6")
    gone = UPID.replace("000019A7", "000019A5")
    door, fake, clock = pve({UPID: (9.0, "OK"), failed: (4.0, "interrupted by signal")})
    fake.listed = [
        {"upid": UPID, "id": "110", "starttime": 30},
        {"upid": gone, "id": "110", "starttime": 10},
        {"upid": failed, "id": "110", "starttime": 20},
        {"upid": "UPID:pve:1:2:3:vzstart:1100:root@pam:", "id": "1100", "starttime": 5},
    ]
    said: list[str] = []
    endings = tasks.wait_for_earlier(door, "pve", 110, Deadline(60, clock), said.append)
    assert endings == ["Parameter verification failed.", "interrupted by signal", "OK"]
    assert UPID in said[-1]


def test_nothing_running_is_nothing_to_wait_for() -> None:
    door, _, clock = pve({})
    assert tasks.wait_for_earlier(door, "pve", 110, Deadline(60, clock), lambda line: None) == []
