"""What all pages of one forge share: limits, notes for the next page, and what was rendered before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.embedded.forge.attempts import Limiter
from harness.embedded.forge.pages.memory import Memory

_MOST_NOTES = 500


class Notes:
    """What a form did, told once on the next page; nothing of it travels through the browser."""

    def __init__(self) -> None:
        self._notes: dict[str, list[tuple[str, str]]] = {}
        self._lock = threading.Lock()

    def put(self, who: str, kind: str, text: str) -> None:
        """Keep a note for a session. ``kind``: good or bad."""
        with self._lock:
            if len(self._notes) >= _MOST_NOTES:
                self._notes.clear()
            self._notes.setdefault(who, []).append((kind, text))

    def take(self, who: str) -> list[tuple[str, str]]:
        """The notes of a session, which are gone then."""
        with self._lock:
            return self._notes.pop(who, [])


@dataclass
class Desk:
    """One for each forge. A person may fail five times in five minutes, an address thirty times."""

    now: Callable[[], float] = time.monotonic
    notes: Notes = field(default_factory=Notes)
    lists: Memory = field(default_factory=lambda: Memory(1000))
    texts: Memory = field(default_factory=lambda: Memory(60))
    person: Limiter = field(init=False)
    address: Limiter = field(init=False)

    def __post_init__(self) -> None:
        self.person = Limiter(5, 300.0, self.now)
        self.address = Limiter(30, 300.0, self.now)
