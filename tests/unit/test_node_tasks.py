"""Tasks: their ends, their logs, and what a killed node leaves."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from harness.embedded.node import tasks, upid
from harness.embedded.node.errors import failure
from harness.embedded.node.store import Store


def run(registry: tasks.Tasks, work: tasks.Work, kind: str = "vzstart") -> str:
    identifier = registry.start(kind, 110, "root@pam", work)
    assert registry.wait(identifier, 5)
    return identifier


def lines(registry: tasks.Tasks, identifier: str) -> list[str]:
    return [text for _, text in registry.log(identifier, 0, None)[0]]


@pytest.fixture
def registry() -> tasks.Tasks:
    return tasks.Tasks("pve", Store(None))


def test_a_task_that_returns_is_ok(registry: tasks.Tasks) -> None:
    done = run(registry, lambda task: task.log("working"))
    assert registry.status(done)["exitstatus"] == "OK"
    assert lines(registry, done) == ["working", "TASK OK"]


def test_warnings_are_counted(registry: tasks.Tasks) -> None:
    done = run(registry, lambda task: task.warn("careful"))
    assert registry.status(done)["exitstatus"] == "WARNINGS: 1"
    assert lines(registry, done) == ["WARN: careful", "TASK WARNINGS: 1"]


def test_an_error_is_the_exit_status(registry: tasks.Tasks) -> None:
    def work(_task: tasks.Task) -> None:
        raise failure("no space\nleft")

    done = run(registry, work)
    assert registry.status(done)["exitstatus"] == "no space left"
    assert lines(registry, done) == ["TASK ERROR: no space left"]


def test_a_mistake_ends_the_task_too(registry: tasks.Tasks, caplog: pytest.LogCaptureFixture) -> None:
    done = run(registry, lambda task: setattr(task, "log", int("no number")))
    assert str(registry.status(done)["exitstatus"]).startswith("ValueError: invalid literal")
    assert "ValueError" in caplog.text


def test_a_running_task_can_be_interrupted(registry: tasks.Tasks) -> None:
    begun = threading.Event()

    def work(task: tasks.Task) -> None:
        begun.set()
        task.interrupted.wait(5)
        task.log("never seen")

    identifier = registry.start("vzcreate", 110, "root@pam", work)
    assert begun.wait(5)
    assert registry.status(identifier)["status"] == "running"
    assert [task["upid"] for task in registry.running()] == [identifier]
    registry.interrupt(identifier)
    assert registry.wait(identifier, 5)
    assert registry.status(identifier)["exitstatus"] == "received interrupt"


def test_a_killed_node_leaves_tasks_with_an_unexpected_status(tmp_path: Path) -> None:
    store = Store(tmp_path / "db")
    dying = tasks.Tasks("pve", store)
    never = threading.Event()
    identifier = dying.start("vzcreate", 110, "root@pam", lambda _task: (never.wait(30), None)[1])
    again = tasks.Tasks("pve", Store(tmp_path / "db"))
    assert again.status(identifier)["exitstatus"] == "unexpected status"
    never.set()
    assert dying.wait(identifier, 5)


def test_finished_tasks_survive_a_restart(tmp_path: Path) -> None:
    first = tasks.Tasks("pve", Store(tmp_path / "db"))
    done = run(first, lambda task: task.log("working"))
    again = tasks.Tasks("pve", Store(tmp_path / "db"))
    assert again.status(done)["exitstatus"] == "OK"
    assert lines(again, done) == ["working", "TASK OK"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [("OK", "ok"), ("WARNINGS: 3", "warning"), ("unexpected status", "unknown"), ("no space left", "error")],
)
def test_ends_are_classified(status: str, kind: str) -> None:
    assert tasks.classify(status) == kind


def test_filters_narrow_the_list(registry: tasks.Tasks) -> None:
    started = run(registry, lambda _task: None)
    run(registry, lambda _task: None, kind="vzstop")
    assert [task["upid"] for task in tasks.matching(registry.ended(), {"typefilter": "vzstart"})] == [started]
    assert tasks.matching(registry.ended(), {"errors": True}) == []
    assert len(tasks.matching(registry.ended(), {"statusfilter": ["ok"], "vmid": "110"})) == 2


def test_an_identifier_is_read_as_it_is_written() -> None:
    text = "UPID:pve:000019A7:000653EB:6B03E842:vzcreate:100:root@pam!ci:"
    parsed = upid.parse(text)
    assert parsed is not None
    assert str(parsed) == text
    assert (parsed.account, parsed.facts["tokenid"], parsed.facts["pid"]) == ("root@pam", "ci", 0x19A7)


@pytest.mark.parametrize("text", ["UPID:foo", "xyz", "UPID:pve:000019A7:000653EB:6B03E842:vzcreate:100:root@pam"])
def test_other_texts_are_no_identifiers(text: str) -> None:
    assert upid.parse(text) is None
