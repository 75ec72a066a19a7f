"""Durations and numbers as people read them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def seconds(value: float) -> str:
    """``12 ms``, ``0.4 s``, ``12.3 s``, ``2 min 05 s``."""
    if value < 0.0995:
        return f"{value * 1000:.0f} ms"
    if value < 99.95:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s"


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 change``, ``4 changes``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def moment(when: datetime) -> str:
    """``24 November 2026, 23:02:20 UTC``, whatever the locale."""
    utc = when.astimezone(UTC)
    return f"{utc.day} {_MONTHS[utc.month - 1]} {utc.year}, {utc:%H:%M:%S} UTC"
