"""The board as a table for a terminal (rich), and single lines for everywhere else. Pure."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from harness.lifecycle.journal import Outcome
from harness.lifecycle.report import words
from harness.suite.board import Board, Cell, Row
from harness.suite.names import SPECS

_STYLE = {Outcome.PASSED: "green", Outcome.FAILED: "bold red", Outcome.SKIPPED: "yellow"}
_SIGN = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.SKIPPED: "–"}
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


_WIDE = 104  # columns that the table with all steps needs


def render(board: Board, now: float, width: int = _WIDE) -> Table:
    """One row a container; one column a step where ``width`` allows, else only the step it is at."""
    return _all_steps(board, now) if width >= _WIDE else _current_step(board, now)


def _current_step(board: Board, now: float) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name in ("container", "step", "total", "outcome"):
        table.add_column(name, no_wrap=True)
    for row in board.rows.values():
        step = _latest(row)
        cell = _cell(row.cells[step], step, now) if step else Text("·", style="dim")
        cell = Text(f"{step:<12}") + cell if step else cell
        table.add_row(Text(row.name, style="bold"), cell, _total(row, now), _outcome(row, board.over))
    return table


def _latest(row: Row) -> str | None:
    """The step that runs or failed, else the last that ended."""
    touched = [step for step, cell in row.cells.items() if cell.touched and cell.outcome is not Outcome.SKIPPED]
    failed = [step for step in touched if row.cells[step].outcome is Outcome.FAILED]
    running = [step for step, cell in row.cells.items() if cell.started is not None]
    return next(iter([*running, *failed, *reversed(touched)]), None)


def _total(row: Row, now: float) -> Text:
    return Text(words.seconds(row.elapsed(now)) if row.started is not None else "", style="dim")


def _all_steps(board: Board, now: float) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("container", no_wrap=True)
    for step in board.steps:
        table.add_column(step, justify="right", no_wrap=True)
    table.add_column("total", justify="right", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    for row in board.rows.values():
        cells = [_cell(row.cells.get(step), step, now) for step in board.steps]
        table.add_row(Text(row.name, style="bold"), *cells, _total(row, now), _outcome(row, board.over))
    return table


def _cell(cell: Cell | None, step: str, now: float) -> Text:
    if cell is None:
        return Text("")
    if cell.started is not None:
        frame = _SPINNER[int(now * 8) % len(_SPINNER)]
        return Text(f"{frame} {words.seconds(cell.elapsed(now))}", style="cyan")
    if cell.outcome is None:
        return Text("·", style="dim")
    count = f"{cell.passed}/{cell.passed + cell.failed + cell.skipped}  " if step == SPECS else ""
    time = "" if cell.outcome is Outcome.SKIPPED else words.seconds(cell.seconds)
    return Text(f"{_SIGN[cell.outcome]} {count}{time}".rstrip(), style=_STYLE[cell.outcome])


def _outcome(row: Row, over: bool) -> Text:
    running = next((step for step, cell in row.cells.items() if cell.started is not None), None)
    if running:
        return Text(running, style="cyan")
    if row.outcome is None:
        return Text("not run" if over else "waits", style="dim")
    return Text(row.outcome.value, style=_STYLE[row.outcome])


def line(container: str, step: str, outcome: Outcome, seconds: float, remark: str) -> str:
    """``broker        converge      passed    12.3 s  4 changed``."""
    time = "" if outcome is Outcome.SKIPPED else words.seconds(seconds)
    return f"{container:<14}{step:<13}{outcome.value:<8}{time:>10}  {remark}".rstrip()


def remark(cell: Cell, step: str, reason: str) -> str:
    """What a line says beside the outcome."""
    if step == SPECS and cell.touched:
        parts = [(cell.passed, "passed"), (cell.failed, "failed"), (cell.skipped, "skipped")]
        return ", ".join(f"{number} {word}" for number, word in parts if number)
    if cell.outcome is Outcome.PASSED:
        return f"{cell.changed} changed" if cell.changed else ""
    return reason.split("\n", 1)[0]
