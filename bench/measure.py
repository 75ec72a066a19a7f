"""One measured figure, and how several runs of something become one."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with what it must reach. ``limit`` None: only recorded; ``at_least``: the limit is a lower one."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether it keeps its promise; None when there is none."""
        if self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def verdict(self) -> str:
        """As the table shows it."""
        if self.limit is None:
            return ""
        promised = f"{'≥' if self.at_least else '≤'} {self.limit:g} {self.unit}".rstrip()
        return f"{'reached' if self.reached else 'MISSED'} ({promised})"


def seconds(action: Callable[[], object]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def median(action: Callable[[], object], times: int) -> float:
    """Median seconds of so many calls."""
    return statistics.median(seconds(action) for _ in range(times))
