"""The end of a run: a table of containers, why some failed, and where the report lies."""

from __future__ import annotations

import time
from collections.abc import Generator

import pytest

from harness.kit.errors import HarnessError
from harness.lifecycle import report
from harness.suite import table
from harness.suite.progress import Progress
from harness.suite.run import Run


class Summary:
    """Builds the report and prints the closing lines, on the controller."""

    def __init__(self, run: Run, progress: Progress) -> None:
        self._run = run
        self._progress = progress

    @pytest.hookimpl(wrapper=True)
    def pytest_terminal_summary(self) -> Generator[None, None, None]:
        """After pytest's own summary of failures."""
        yield
        console = self._progress.console
        self._progress.board.over = True
        console.print()
        console.print(table.render(self._progress.board, time.monotonic(), console.width))
        for row in self._progress.board.rows.values():
            if row.reason:
                console.print(
                    f"{row.name}: {row.reason.removeprefix(f'{row.name}: ')}",
                    markup=False,
                    highlight=False,
                    soft_wrap=True,
                )
        console.print(self._report(), markup=False, highlight=False, soft_wrap=True)

    def _print(self, line: str) -> None:
        self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _report(self) -> str:
        try:
            return f"report: {report.build(self._run.directory)}"
        except (OSError, HarnessError) as error:
            return f"no report: {error}"
