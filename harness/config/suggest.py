"""*Did you mean*: the nearest known name to one that was mistyped."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name most like ``word`` whatever its case, or None when nothing is close."""
    by_fold = {name.casefold(): name for name in known}
    matches = difflib.get_close_matches(word.casefold(), list(by_fold), n=1)
    return by_fold[matches[0]] if matches else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint that names the nearest known name, or ``otherwise``."""
    match = nearest(word, known)
    return f"did you mean {match}?" if match else otherwise
