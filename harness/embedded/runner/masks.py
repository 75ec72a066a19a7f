"""Secrets of one job, kept out of its log: the values themselves, each of their lines, and their base64."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterable
from urllib.parse import quote

MASK = "***"
_SHORTEST = 3  # masking shorter strings blanks out half of a log without protecting anything


class Masks:
    """Grows while the job runs (``::add-mask::``); safe to use from several threads."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._parts: tuple[str, ...] = ()
        for value in values:
            self.add(value)

    def add(self, value: str) -> None:
        """Mask ``value`` from now on."""
        found = {part for form in _forms(value) for part in (form, form.strip()) if len(part) >= _SHORTEST}
        with self._lock:
            self._parts = tuple(sorted({*self._parts, *found}, key=len, reverse=True))

    def hide(self, text: str) -> str:
        """``text`` with every secret masked, longest first."""
        for part in self._parts:
            if part in text:
                text = text.replace(part, MASK)
        return text

    def cut(self, text: str, most: int) -> int:
        """Where to cut ``text`` of more than ``most`` characters so that no secret is torn in two."""
        place, moved = most, True
        while moved:
            starts = [start for part in self._parts if (start := _across(text, part, place)) >= 0]
            moved = bool(starts) and min(starts) > 0
            place = min(starts) if moved else place
        return place


def _across(text: str, part: str, place: int) -> int:
    """Where ``part`` begins that stands on both sides of ``place``; -1 when none does."""
    start = text.find(part, max(place - len(part) + 1, 0), place + len(part) - 1)
    return start if 0 <= start < place < start + len(part) else -1


def _forms(value: str) -> Iterable[str]:
    yield from value.splitlines()
    yield from (quote(value, safe=""), json.dumps(value)[1:-1])
    yield from (_base64(value, shift) for shift in range(3) if len(value) >= 8)


def _base64(value: str, shift: int) -> str:
    """What base64 of any text around ``value`` contains, when ``shift`` bytes stand before it in its group of three."""
    coded = base64.b64encode(b"\0" * shift + value.encode()).decode().rstrip("=")
    first = (0, 2, 3)[shift]
    whole = len(value.encode()) + shift
    return coded[first : len(coded) - (1 if whole % 3 else 0)]
