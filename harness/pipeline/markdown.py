"""Text of unknown origin inside Markdown: whatever it holds, it is shown and does nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from harness.kit.secret import redact

_SPECIAL: Final = re.compile(r"([\\`*_\[\]#|~])")
_LONGEST: Final = 300
_LINES: Final = 40


def text(value: str) -> str:
    """``value`` as plain text on one line: no markup, no mention, no HTML."""
    line = " ".join(redact(value).split())
    short = line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
    return _SPECIAL.sub(r"\\\1", short).replace("&", "&amp;").replace("<", "&lt;")


def code(value: str) -> str:
    """``value`` as code on one line, fit for a table."""
    line = " ".join(redact(value).split())
    short = line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
    if not short:
        return ""
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`+", short)), default=0))
    pad = " " if short.startswith("`") or short.endswith("`") else ""
    return f"{fence}{pad}{short.replace('|', '¦')}{pad}{fence}"


def block(value: str) -> str:
    """``value`` as code on lines of its own, the last of them when there are many."""
    lines = redact(value).rstrip().splitlines()[-_LINES:]
    longest = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([fence, *(line[:_LONGEST] for line in lines), fence])


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [f"| {' | '.join(headings)} |", f"|{'|'.join(' --- ' for _ in headings)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
