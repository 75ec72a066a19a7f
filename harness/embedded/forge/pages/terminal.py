"""Output of programs as HTML: escaped, colours of the terminal as classes, every other control sequence dropped.

Sequences: ECMA-48, "SGR - SELECT GRAPHIC RENDITION"; operating system commands end with BEL or ST (xterm's ctlseqs).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from markupsafe import Markup, escape

_SEQUENCE = re.compile(r"\x1b\[([0-9;:]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-_]?")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_MOST = 20_000  # characters of a line


def line(text: str) -> Markup:
    """One line of output."""
    shown = text[:_MOST].rstrip("\r\n").rsplit("\r", 1)[-1]
    made: list[str] = []
    classes: frozenset[str] = frozenset()
    at = 0
    for match in _SEQUENCE.finditer(shown):
        made.append(_piece(shown[at : match.start()], classes))
        if match.group(1) is not None:
            classes = _turned(classes, match.group(1))
        at = match.end()
    made.append(_piece(shown[at:], classes))
    return Markup("".join(made))  # noqa: S704 - every piece is escaped


def _piece(text: str, classes: Iterable[str]) -> str:
    clean = escape(_CONTROL.sub("", text))
    names = " ".join(sorted(classes))
    return f'<span class="{names}">{clean}</span>' if names and clean else str(clean)


def _turned(classes: frozenset[str], codes: str) -> frozenset[str]:
    numbers = [int(code) if code.isdecimal() and len(code) < 10 else 0 for code in re.split("[;:]", codes)]
    while numbers:
        code = numbers.pop(0)
        if code in {38, 48}:  # a colour out of 256 or of 16 million: not ours to show
            del numbers[: 2 if numbers[:1] == [5] else 4]
            continue
        classes = _one(classes, code)
    return classes


def _one(classes: frozenset[str], code: int) -> frozenset[str]:
    if code == 0:
        return frozenset()
    if code in {1, 2, 3, 4}:
        return classes | {("bold", "faint", "italic", "under")[code - 1]}
    if code == 22:
        return classes - {"bold", "faint"}
    if 30 <= code <= 37 or 90 <= code <= 97 or code == 39:
        kept = frozenset(name for name in classes if not name.startswith("ink-"))
        return kept if code == 39 else kept | {f"ink-{code % 10}"}
    return classes


def stamp(when: float) -> str:
    """The time of a line: UTC, to the millisecond."""
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
