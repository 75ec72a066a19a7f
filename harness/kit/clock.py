"""Time as an argument: waiting takes a condition and a deadline, never a fixed sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from harness.kit.errors import DeadlineError

T = TypeVar("T")


class Clock(Protocol):
    """The three things the harness asks of time."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def now(self) -> datetime:
        """Wall-clock time, UTC."""

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""


class SystemClock:
    """The real clock."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Deadline:
    """A point in time to be done by."""

    def __init__(self, seconds: float, clock: Clock | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self.seconds = seconds
        self._end = self.clock.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - self.clock.monotonic())

    @property
    def passed(self) -> bool:
        """Whether it is over."""
        return self.remaining == 0.0


def wait_until(
    probe: Callable[[], T | None],
    deadline: Deadline,
    what: str,
    *,
    first_pause: float = 0.02,
    longest_pause: float = 0.5,
) -> T:
    """Call ``probe`` until it returns something true and return that; pauses grow by half each time.

    Raises ``DeadlineError`` naming ``what`` when the deadline passes first.
    """
    pause = first_pause
    while True:
        result = probe()
        if result:
            return result
        if deadline.passed:
            raise DeadlineError(f"{what}: not within {deadline.seconds:g} s")
        deadline.clock.sleep(min(pause, max(deadline.remaining, 0.001)))
        pause = min(pause * 1.5, longest_pause)
