"""What the forge has yet to hear survives forge, runner and a full disk."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.embedded.runner import spool as spool_module
from harness.embedded.runner.protocol import Conclusion
from harness.embedded.runner.spool import End, Log, Message, SpoolError, StepReport, TaskSpool, reopen_all


def _spool(tmp_path: Path) -> TaskSpool:
    return TaskSpool(tmp_path / "7-1")


def _next(spool: TaskSpool) -> Log:
    message = spool.next()
    assert isinstance(message, Log)
    return message


def _all(spool: TaskSpool) -> list[Message]:
    """Everything until the end, with a forge that takes all."""
    found: list[Message] = []
    held = 0
    while message := spool.next():
        found.append(message)
        if isinstance(message, End):
            break
        held = message.at + len(message.lines) if isinstance(message, Log) else held
        spool.told(message, held if isinstance(message, Log) else None)
    return found


def _texts(messages: list[Message]) -> list[str]:
    return [line for message in messages if isinstance(message, Log) for line in message.lines]


def test_lines_are_told_once_and_in_order(tmp_path: Path) -> None:
    spool = _spool(tmp_path)
    spool.write(["one", "two"])
    first = _next(spool)
    spool.write(["three"])
    spool.told(first, 2)
    second = _next(spool)
    spool.told(second, 3)
    assert (first.at, first.lines, second.at, second.lines) == (0, ["one", "two"], 2, ["three"])
    assert spool.next() is None


def test_steps_stand_between_the_lines_that_are_theirs(tmp_path: Path) -> None:
    spool = _spool(tmp_path)
    spool.begin_step(0)
    spool.write(["one"])
    spool.end_step(0, Conclusion.SUCCESS)
    spool.begin_step(1)
    spool.write(["two"])
    spool.conclude(Conclusion.FAILURE)
    told = _all(spool)
    assert [(one.number, one.status, one.conclusion) for one in told if isinstance(one, StepReport)] == [
        (0, "running", None),
        (0, "completed", "success"),
        (1, "running", None),
        (1, "completed", "failure"),
    ]
    assert [type(one) for one in told] == [StepReport, Log, StepReport, StepReport, Log, StepReport, End]
    assert told[-1] == End("failure")


def test_forge_that_lost_lines_gets_them_again(tmp_path: Path) -> None:
    spool = _spool(tmp_path)
    spool.write(["one", "two"])
    spool.told(_next(spool), 2)
    spool.write(["three"])
    spool.told(_next(spool), 1)
    again = _next(spool)
    assert (again.at, again.lines) == (1, ["two", "three"])


def test_long_log_is_told_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "_BATCH_LINES", 2)
    spool = _spool(tmp_path)
    spool.write(["one", "two", "three"])
    spool.conclude(Conclusion.SUCCESS)
    told = _all(spool)
    assert [one.lines for one in told if isinstance(one, Log)] == [["one", "two"], ["three"]]


def test_restart_goes_on_where_the_forge_is(tmp_path: Path) -> None:
    spool = _spool(tmp_path)
    spool.begin("mark")
    spool.begin_step(0)
    spool.write(["one"])
    for _ in range(2):
        message = spool.next()
        assert isinstance(message, StepReport | Log)
        spool.told(message, 1)
    spool.write(["two"])
    with (tmp_path / "7-1" / "records").open("ab") as records:
        records.write(b'"torn')
    [again] = reopen_all(tmp_path, lambda: None)
    assert (again.job, again.state.mark, again.state.conclusion) == (7, "mark", "")
    again.conclude(Conclusion.INTERRUPTED)
    told = _all(again)
    assert told == [Log(1, ["two"], len('"two"\n')), End("interrupted")]
    again.remove()
    assert list(tmp_path.iterdir()) == []


@contextmanager
def _disk_of(size: int) -> Iterator[None]:
    """Files of this process cannot grow beyond ``size`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _write_much(spool: TaskSpool) -> None:
    for _ in range(20 * 64):
        spool.write(["x" * 16 * 1024])


def test_full_disk_is_said_and_keeps_what_was_there(tmp_path: Path) -> None:
    spool = _spool(tmp_path)
    spool.write(["before"])
    with _disk_of(16 * 1024 * 1024), pytest.raises(SpoolError, match="the log cannot be written"):
        _write_much(spool)
    spool.note("Error: no room")
    spool.conclude(Conclusion.FAILURE)
    told = _all(spool)
    texts = _texts(told)
    assert texts[0] == "before"
    assert texts[-2].startswith("the log cannot be written")
    assert texts[-1] == "Error: no room"
    assert told[-1] == End("failure")


def test_endless_log_is_cut_with_a_word_and_the_job_still_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "LARGEST_LOG", 100)
    spool = _spool(tmp_path)
    spool.begin_step(0)
    for _ in range(5):
        spool.write(["x" * 60])
    spool.note("Error: exit code 1")
    spool.end_step(0, Conclusion.FAILURE)
    spool.conclude(Conclusion.FAILURE)
    told = _all(spool)
    assert _texts(told) == ["x" * 60, "the log ends here: it has reached 0 MiB", "Error: exit code 1"]
    assert told[-2] == StepReport(0, "completed", "failure", 0)
    assert told[-1] == End("failure")


def test_spool_is_private(tmp_path: Path) -> None:
    spool = _spool(tmp_path)
    spool.begin("mark")
    spool.write(["one"])
    assert oct(spool.directory.stat().st_mode & 0o777) == "0o700"
    assert {oct(path.stat().st_mode & 0o777) for path in spool.directory.iterdir()} == {"0o600"}
