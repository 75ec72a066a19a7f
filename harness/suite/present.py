"""Errors and durations as people read them. Pure."""

from __future__ import annotations

from harness.kit.errors import HarnessError
from harness.kit.secret import redact

_LONGEST_DETAIL = 40  # lines; the report has the rest of what the journal kept


def error_text(error: HarnessError) -> str:
    """Message, hint, and the end of the detail, one below the other."""
    lines = [error.message]
    if error.hint:
        lines.append(f"→ {error.hint}")
    if error.detail:
        lines += ["", *error.detail.rstrip().splitlines()[-_LONGEST_DETAIL:]]
    return redact("\n".join(lines))


def seconds(value: float) -> str:
    """``0.4 s``, ``12.3 s``, ``2 min 05 s``."""
    if value < 99.95:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s"


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 change``, ``4 changes``."""
    return f"{number} {one if number == 1 else many or one + 's'}"
