"""What commands print through: colours where a terminal takes them (``NO_COLOR`` is honoured), secrets masked."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.kit.errors import ConfigurationError, HarnessError, Problem, Severity
from harness.kit.secret import redact

_DETAIL_LINES = 15


def out() -> Console:
    """The console for results; made per call, so that a redirected stdout is the one written to."""
    return Console(highlight=False, soft_wrap=True)


def err() -> Console:
    """The console for progress and errors."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(line: str) -> None:
    """One line of progress, on stderr: stdout stays clean for results."""
    err().print(Text(redact(line)))


def show(line: str, style: str = "") -> None:
    """One line of a result."""
    out().print(Text(redact(line), style=style))


def write(text: str) -> None:
    """Text for machines, on stdout as it is but for secrets."""
    sys.stdout.write(redact(text) + "\n")


def show_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table that wraps its cells rather than cutting them; a row's first word may colour it (see ``_STYLES``)."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(redact(cell), style=_STYLES.get(cell, "")) for cell in row))
    out().print(table, soft_wrap=False)


_STYLES = {"ok": "green", "problem": "red", "note": "yellow", "error": "red", "warning": "yellow"}


def show_problems(problems: Iterable[Problem]) -> None:
    """Every problem as compilers say it, ``file:line: error: …``: editors jump to it, no terminal is too narrow."""
    console = err()
    for problem in problems:
        place = f"{problem.place}: " if problem.place else ""
        kind = (f"{problem.severity.value}: ", _STYLES[problem.severity.value])
        console.print(Text.assemble((place, "bold"), kind, redact(f"{problem.found}: {problem.rule}")))
        for line in problem.hint.splitlines():
            console.print(Text(f"    {redact(line)}", style="dim"))


def show_error(error: HarnessError) -> None:
    """The error's line, its hint, and the tail of its evidence."""
    console = err()
    if isinstance(error, ConfigurationError):
        show_problems(error.problems)
    console.print(Text.assemble(("error: ", "bold red"), redact(error.message)))
    if error.detail and error.detail.strip() != error.message:
        for line in error.detail.strip().splitlines()[-_DETAIL_LINES:]:
            console.print(Text(f"  {redact(line)}", style="dim"))
    if error.hint:
        console.print(Text.assemble(("hint: ", "bold"), redact(error.hint)))


def show_warnings(problems: Iterable[Problem]) -> None:
    """Warnings of a configuration that is otherwise fine, one line each."""
    for problem in problems:
        if problem.severity is Severity.WARNING:
            err().print(Text.assemble(("warning: ", "yellow"), redact(str(problem))))
