"""What is to be told is told once the forge hears it, the newest word on each thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from harness.forge.client import Forge
from harness.forge.errors import ForgeError, ForgeUnreachable, LoginRefused
from harness.kit.clock import Deadline
from harness.pipeline.outbox import Message, Outbox
from harness.pipeline.tell import Commit, ForgeVoice, Report
from tests.unit.pipeline_fakes import Heard

FORGE = cast("Forge", object())


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def outbox(tmp_path: Path, heard: Heard) -> Outbox:
    return Outbox(tmp_path / "outbox", FORGE, heard, heard.said.append)


def waiting(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "outbox").glob("[!.]*.json")]


def message(subject: str = "a", line: str = "one") -> Message:
    return Message("status", subject, {"line": line})


def test_what_is_heard_at_once_is_kept_no_longer(outbox: Outbox, heard: Heard, tmp_path: Path) -> None:
    assert outbox.send(message())
    assert [record["line"] for record in heard.records] == ["one"]
    assert waiting(tmp_path) == []


def test_a_forge_that_is_away_hears_the_newest_word_later(outbox: Outbox, heard: Heard, tmp_path: Path) -> None:
    heard.error = ForgeUnreachable("away")
    assert not outbox.send(message(line="pending"))
    assert not outbox.send(message(line="success"))
    assert not outbox.send(message("b"))
    assert len(waiting(tmp_path)) == 2
    heard.error = None
    assert outbox.flush(Deadline(1)) == 0
    assert [(record["subject"], record["line"]) for record in heard.records] == [("a", "success"), ("b", "one")]


def test_what_is_not_heard_in_time_waits_for_the_next_process(outbox: Outbox, heard: Heard, tmp_path: Path) -> None:
    heard.error = ForgeUnreachable("away")
    outbox.send(message())
    assert outbox.flush(Deadline(0.05)) == 1
    assert "1 messages wait" in heard.said[-1]
    later = Outbox(tmp_path / "outbox", FORGE, Heard(), heard.said.append)
    assert later.flush(Deadline(1)) == 0


def test_what_is_about_nothing_any_more_is_dropped(outbox: Outbox, heard: Heard, tmp_path: Path) -> None:
    heard.error = ForgeError("POST x", 404, "gone")
    assert outbox.send(message())
    assert waiting(tmp_path) == []


def test_a_refused_login_keeps_the_message_and_is_said(outbox: Outbox, heard: Heard, tmp_path: Path) -> None:
    heard.error = LoginRefused("the token has expired")
    assert not outbox.send(message())
    assert outbox.flush(Deadline(30)) == 1
    assert len(waiting(tmp_path)) == 1
    assert "expired" in heard.said[-1]


def test_kept_messages_are_private(outbox: Outbox, heard: Heard, tmp_path: Path) -> None:
    heard.error = ForgeUnreachable("away")
    outbox.send(message())
    (path,) = (tmp_path / "outbox").glob("[!.]*.json")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_voice_says_each_thing_under_its_own_subject(outbox: Outbox, heard: Heard) -> None:
    voice = ForgeVoice(outbox)
    commit = Commit("main/broker", "1a2b", "http://forge/runs/1")
    voice.status(commit, "gitops/plan", "success", "fine")
    voice.status(commit, "gitops/deploy", "pending", "deploying")
    voice.comment("main/broker", 7, "plan", "words")
    voice.describe("main/broker", "[active] 111")
    voice.containers({"target": "embedded", "containers": []})
    voice.report(Report("run-1", "/gone/report.html", "main/broker", 3))
    voice.close()
    kinds: list[Any] = [record["kind"] for record in heard.records]
    assert kinds == ["status", "status", "comment", "describe", "containers", "report"]
    assert heard.records[0]["target"] == "http://forge/runs/1"
