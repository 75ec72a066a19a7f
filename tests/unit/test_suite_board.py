"""The board and how it is shown."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness.lifecycle.journal import Outcome
from harness.lifecycle.plan import Action, ContainerPlan, Plan
from harness.suite import table
from harness.suite.board import Board
from harness.suite.reports import Result
from harness.suite.run import Mode, Run

ZERO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def board(tmp_path: Path) -> Board:
    entries = [
        ContainerPlan("broker", 110, "pve", "broker", "10.0.0.1", Action.CREATE, "new"),
        ContainerPlan("apache", 111, "pve", "apache", "10.0.0.2", Action.VERIFY, "specs changed"),
    ]
    return Board.of(Run(Mode.DEPLOY, tmp_path, tmp_path, Plan("embedded", "mr", None, tuple(entries)), "main", ZERO))


def ended(item: str, outcome: Outcome = Outcome.PASSED, seconds: float = 1.0, **evidence: Any) -> Result:
    return Result(f"libs/broker/{item}", outcome, seconds, evidence)


def shown(board: Board, now: float, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(table.render(board, now, width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_row_has_the_steps_that_its_plan_entails(board: Board) -> None:
    assert list(board.rows["broker"].cells) == ["provision", "base", "converge", "idempotence", "specs", "release"]
    assert list(board.rows["apache"].cells) == ["specs", "release"]
    assert board.steps[0] == "provision"


def test_a_running_step_shows_its_time_so_far(board: Board) -> None:
    board.start("libs/broker/config.env::converge", 10.0)
    assert "12.5 s" in shown(board, 22.5)
    assert board.rows["broker"].elapsed(22.5) == 12.5


def test_time_stands_still_between_items(board: Board) -> None:
    board.start("libs/broker/config.env::converge", 10.0)
    board.finish(ended("config.env::converge"), 15.0)
    assert board.rows["broker"].elapsed(99.0) == 5.0


def test_specs_are_summed_up(board: Board) -> None:
    board.finish(ended("specs/test_b.py::test_x"), 1.0)
    board.finish(ended("specs/test_b.py::test_y", Outcome.FAILED, error="assert 0"), 2.0)
    cell = board.rows["broker"].cells["specs"]
    assert (cell.outcome, cell.passed, cell.failed, cell.seconds) == (Outcome.FAILED, 1, 1, 2.0)
    assert "1/2" in shown(board, 3.0)


def test_the_first_thing_that_went_wrong_is_the_reason(board: Board) -> None:
    board.finish(ended("config.env::base", Outcome.FAILED, error="apt is locked"), 1.0)
    board.finish(ended("config.env::converge", Outcome.SKIPPED, error="base failed", held_back=True), 1.0)
    row = board.rows["broker"]
    assert (row.reason, row.outcome) == ("apt is locked", Outcome.FAILED)


def test_items_of_nobody_are_no_ones_business(board: Board) -> None:
    board.start("tests/test_x.py::test_y", 1.0)
    board.finish(Result("libs/unknown/config.env::base", Outcome.PASSED, 1.0), 2.0)
    assert all(row.outcome is None and row.started is None for row in board.rows.values())


def test_a_narrow_terminal_gets_the_step_that_matters(board: Board) -> None:
    board.finish(ended("config.env::provision"), 1.0)
    board.start("libs/broker/config.env::base", 2.0)
    picture = shown(board, 4.0, width=70)
    assert "base" in picture
    assert "idempotence" not in picture


def test_a_line_says_container_step_outcome_time_and_what_changed(board: Board) -> None:
    board.finish(ended("config.env::converge", changed=["a", "b"]), 1.0)
    remark = table.remark(board.rows["broker"].cells["converge"], "converge", "")
    assert table.line("broker", "converge", Outcome.PASSED, 12.34, remark).split() == [
        "broker", "converge", "passed", "12.3", "s", "2", "changed",
    ]  # fmt: skip
