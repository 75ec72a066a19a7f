"""Which items hold for a revision, by all runs so far."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.lifecycle import journal
from harness.lifecycle.journal import FILE_NAME, Journal, Outcome


class Ticking:
    """A clock that is a second later each time it is asked."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class History:
    """Runs one after another."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self._clock = Ticking()
        self.next_run("b")

    def next_run(self, name: str) -> History:
        (self.runs / name).mkdir(parents=True)
        self.journal = Journal(self.runs / name / FILE_NAME, clock=self._clock)
        return self

    def ran(self, *items: str, revision: str = "r1", outcome: Outcome = Outcome.PASSED, **evidence: Any) -> History:
        for item in items:
            self.journal.start("broker", item, revision)
            self.journal.end("broker", item, revision, outcome, evidence=evidence)
        return self

    def passed(self, revision: str = "r1") -> set[str]:
        return set(journal.passed(self.runs, "broker", revision))


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "runs")


SPEC = "specs/test_b.py::test_x"


def test_passes_add_up_over_runs(history: History) -> None:
    history.ran("provision", "base", "converge")
    history.next_run("a").ran("idempotence", SPEC)
    assert history.passed() == {"provision", "base", "converge", "idempotence", SPEC}


def test_the_newest_result_counts(history: History) -> None:
    history.ran(SPEC)
    history.next_run("c").ran(SPEC, outcome=Outcome.FAILED)
    assert history.passed() == set()
    history.next_run("d").ran(SPEC)
    assert history.passed() == {SPEC}


def test_an_item_that_began_and_never_ended_does_not_hold(history: History) -> None:
    history.ran("converge")
    history.journal.start("broker", "converge", "r1")
    assert history.passed() == set()


def test_another_revision_or_container_does_not_count(history: History) -> None:
    history.ran("converge", revision="r2")
    history.journal.end("proxy", "base", "r1", Outcome.PASSED)
    assert history.passed("r1") == set()
    assert history.passed("r2") == {"converge"}


@pytest.mark.parametrize(
    ("again", "left"),
    [
        ("provision", {"provision"}),
        ("base", {"provision", "base"}),
        ("converge", {"provision", "base", "converge"}),
        ("idempotence", {"provision", "base", "converge", "idempotence", SPEC}),
    ],
)
def test_a_stage_done_again_takes_back_what_was_found_after_it(history: History, again: str, left: set[str]) -> None:
    history.ran("provision", "base", "converge", "idempotence", SPEC).ran(again)
    assert history.passed() == left


def test_a_stage_of_another_revision_takes_back_too(history: History) -> None:
    history.ran("provision", "base", "converge", SPEC).ran("converge", revision="r2")
    assert history.passed("r1") == {"provision", "base"}


def test_a_spec_that_skipped_itself_is_no_obstacle_but_one_held_back_is(history: History) -> None:
    history.ran(SPEC, outcome=Outcome.SKIPPED, own_choice=True)
    history.ran("specs/test_b.py::test_y", outcome=Outcome.SKIPPED, held_back=True)
    assert history.passed() == {SPEC}


def test_without_runs_nothing_holds(tmp_path: Path) -> None:
    assert journal.passed(tmp_path / "none", "broker", "r1") == frozenset()
