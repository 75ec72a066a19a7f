"""Secrets have a type: they mask themselves wherever they are printed, and one redactor stands before every output."""

from __future__ import annotations

import threading

MASK = "********"
_SHORTEST = 4  # masking shorter strings would blank out half of every log without protecting anything

# Process-wide on purpose: a log line must be clean whichever part of the process wrote it, so a secret is known to
# the redactor from the moment it exists.
_known: set[str] = set()
_lock = threading.Lock()


class Secret:
    """A value that shows itself only to ``reveal()``."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        if len(value) >= _SHORTEST:
            with _lock:
                _known.add(value)

    def reveal(self) -> str:
        """The value itself; call it only where it leaves for the system it belongs to."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __str__(self) -> str:
        return MASK

    __repr__ = __str__

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        raise TypeError("a secret is not pickled")


def redact(text: str) -> str:
    """``text`` with every known secret masked, longest first."""
    with _lock:
        values = sorted(_known, key=len, reverse=True)
    for value in values:
        if value in text:
            text = text.replace(value, MASK)
    return text
