"""What a person sees of a run while it runs: a live table on a terminal, a line a step elsewhere.

Runs on the controller. Writes to a duplicate of the descriptor that pytest's terminal had before it captured output.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import pytest
from rich.console import Console, RenderableType
from rich.live import Live

from harness.lifecycle.journal import Outcome
from harness.suite import names, reports, table
from harness.suite.board import Board
from harness.suite.run import Run

_WIDTH = 120  # where no terminal says how wide it is


class Progress:
    """Follows pytest's own events; ``clock`` gives monotonic seconds."""

    def __init__(self, run: Run, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self.board = Board.of(run)
        self.console = console
        self._clock = clock
        self._gathering = reports.Gathering()
        self._live: Live | None = None
        self._running: dict[str, str] = {}
        self._held_back: set[str] = set()

    def pytest_runtestloop(self) -> None:
        """Show the table, where there is a terminal to show it on."""
        if self.console.is_terminal and not self.console.is_dumb_terminal:
            self._live = Live(
                get_renderable=self._picture,
                console=self.console,
                refresh_per_second=6,
                redirect_stdout=False,
                redirect_stderr=False,
                transient=True,
            )
            self._live.start()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """An item begins."""
        self.board.start(nodeid, self._clock())

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """An item's phase has ended."""
        result = self._gathering.add(report)
        if result is None:
            return
        self.board.finish(result, self._clock())
        container = names.container_of(result.nodeid)
        if container and self._live is None:
            self._say(container, result)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Take the live table away; the last one is printed with the summary."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        for container in list(self._running):
            self._close_specs(container)

    def _picture(self) -> RenderableType:
        return table.render(self.board, self._clock(), self.console.width)

    def _say(self, container: str, result: reports.Result) -> None:
        """A line a stage; specs get one line together, after those of them that failed."""
        if result.evidence.get("held_back") and container in self._held_back:
            return  # one line says it for the whole container
        if result.evidence.get("held_back"):
            self._held_back.add(container)
        item = names.item_of(result.nodeid)
        step = names.step_of(item)
        reason = str(result.evidence.get("error", ""))
        if step == names.SPECS:
            self._running[container] = step
            if result.outcome is Outcome.FAILED:
                spec = item.rsplit("/", 1)[-1].split("::", 1)[-1]
                first = reason.split("\n", 1)[0]
                self._print(table.line(container, "spec", result.outcome, result.seconds, f"{spec}: {first}"))
            return
        self._close_specs(container)
        row = self.board.rows.get(container)
        if row and step in row.cells:
            remark = table.remark(row.cells[step], step, reason)
            self._print(table.line(container, step, result.outcome, result.seconds, remark))

    def _close_specs(self, container: str) -> None:
        step = self._running.pop(container, None)
        row = self.board.rows.get(container)
        if step is None or row is None:
            return
        cell = row.cells[step]
        if cell.outcome is not None:
            self._print(table.line(container, step, cell.outcome, cell.seconds, table.remark(cell, step, row.reason)))

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def console(config: pytest.Config) -> Console:
    """A console on standard output as it is before pytest captures it; closed with ``config``."""
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", buffering=1)
    config.add_cleanup(stream.close)
    return Console(file=stream, width=None if stream.isatty() else _WIDTH)
