"""How often somebody may try a password."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable


class Limiter:
    """Counts failures for a key within a window; ``wait`` tells how long the key has to be patient.

    ``now`` is a monotonic clock in seconds. Keys that nobody used for a window are forgotten.
    """

    def __init__(self, most: int, window: float, now: Callable[[], float]) -> None:
        self._most, self._window, self._now = most, window, now
        self._failures: dict[Hashable, deque[float]] = {}
        self._lock = threading.Lock()

    def wait(self, key: Hashable) -> float:
        """Seconds until the next attempt is allowed; 0 when it is."""
        with self._lock:
            times = self._fresh(key)
            return max(times[0] + self._window - self._now(), 0.0) if len(times) >= self._most else 0.0

    def failed(self, key: Hashable) -> None:
        """An attempt was wrong, or may be: one that is told before it is checked counts for those beside it."""
        with self._lock:
            self._forget()
            self._failures.setdefault(key, deque(maxlen=self._most)).append(self._now())

    def take_back(self, key: Hashable) -> None:
        """The attempt told last was right after all."""
        with self._lock:
            if times := self._failures.get(key):
                times.pop()

    def succeeded(self, key: Hashable) -> None:
        """An attempt was right: the key starts afresh."""
        with self._lock:
            self._failures.pop(key, None)

    def _fresh(self, key: Hashable) -> deque[float]:
        times = self._failures.get(key, deque())
        while times and times[0] + self._window <= self._now():
            times.popleft()
        return times

    def _forget(self) -> None:
        if len(self._failures) > 1000:
            for key in list(self._failures):
                if not self._fresh(key):
                    del self._failures[key]
