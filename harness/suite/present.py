"""Errors as people read them. Pure."""

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
