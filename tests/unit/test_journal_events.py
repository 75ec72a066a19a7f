"""The journal: what survives a crash, what may not be in it."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from harness.kit.secret import MASK, Secret
from harness.lifecycle import journal
from harness.lifecycle.journal import FILE_NAME, Journal, Kind, Outcome


@pytest.fixture
def path(tmp_path: Path) -> Path:
    directory = tmp_path / "run-1"
    directory.mkdir()
    return directory / FILE_NAME


def test_events_come_back_as_they_were_written(path: Path) -> None:
    written = Journal(path, worker="gw1")
    written.start("broker", "converge", "r1")
    written.end("broker", "converge", "r1", Outcome.PASSED, seconds=1.2345, evidence={"changed": ["file[/a]"]})
    started, ended = journal.read(path)
    assert (started.kind, started.run, started.worker, started.container) == (Kind.START, "run-1", "gw1", "broker")
    assert (ended.kind, ended.outcome, ended.seconds) == (Kind.END, Outcome.PASSED, 1.234)
    assert ended.evidence == {"changed": ["file[/a]"]}
    assert started.time <= ended.time


def test_a_torn_last_line_is_passed_over_and_writing_goes_on(path: Path) -> None:
    Journal(path).start("broker", "base", "r1")
    with path.open("a") as stream:
        stream.write('{"event": "end", "run": "run')
    assert [event.item for event in journal.read(path)] == ["base"]
    Journal(path).start("broker", "converge", "r1")
    assert [event.item for event in journal.read(path)] == ["base", "converge"]


@pytest.mark.parametrize("line", ["", "{}", "[]", "null", '{"event": "nothing"}', "\x00\x00", '{"event": "end"}'])
def test_lines_that_are_no_events_are_passed_over(path: Path, line: str) -> None:
    path.write_text(f"{line}\n")
    assert journal.read(path) == ()


def test_a_journal_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert journal.read(tmp_path / "none") == ()


def test_secrets_are_masked_wherever_they_stand(path: Path) -> None:
    secret = Secret('quo"ted-secret')
    evidence = {"error": f"login {secret.reveal()}", "nested": [{"deep": secret.reveal()}], "object": secret}
    Journal(path).end("broker", "converge", "r1", Outcome.FAILED, evidence=evidence)
    assert "ted-secret" not in path.read_text()
    assert journal.read(path)[0].evidence == {"error": f"login {MASK}", "nested": [{"deep": MASK}], "object": MASK}


def test_workers_write_whole_lines_at_once(path: Path) -> None:
    def work(name: str) -> None:
        for number in range(20):
            Journal(path, worker=name).start(name, f"item-{number}", "r1")

    threads = [threading.Thread(target=work, args=(f"gw{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(journal.read(path)) == 80
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_only_its_owner_reads_a_journal(path: Path) -> None:
    Journal(path).start("broker", "base", "r1")
    assert path.stat().st_mode & 0o777 == 0o600
