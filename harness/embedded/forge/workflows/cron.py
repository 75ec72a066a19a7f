"""Cron lines of five fields, UTC: numbers, ``*``, ranges, steps and lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_HORIZON_DAYS = 366 * 5
_NAMES = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *"}


class CronError(Exception):
    """A line is no cron line."""


@dataclass(frozen=True, slots=True)
class Cron:
    """The values that each field allows. Either day field is enough when both are restricted, as in crontab(5)."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def _day_fits(self, when: datetime) -> bool:
        day, weekday = when.day in self.days, when.isoweekday() % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return day and weekday
        return day or weekday

    def after(self, seconds: int) -> int:
        """The first moment after ``seconds`` since the epoch; raises ``CronError`` when there is none."""
        when = datetime.fromtimestamp(seconds, UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        end = when + timedelta(days=_HORIZON_DAYS)
        while when < end:
            if when.month not in self.months or not self._day_fits(when):
                when = (when + timedelta(days=1)).replace(hour=0, minute=0)
            elif when.hour not in self.hours:
                when = (when + timedelta(hours=1)).replace(minute=0)
            elif when.minute not in self.minutes:
                when += timedelta(minutes=1)
            else:
                return int(when.timestamp())
        raise CronError("the line never comes due")


def read(line: str) -> Cron:
    """The line's meaning; raises ``CronError``."""
    parts = _NAMES.get(line.strip(), line).split()
    if len(parts) != 5:
        raise CronError(f"'{line}' has {len(parts)} fields, not 5")
    fields = [_field(part, *bounds) for part, bounds in zip(parts, _BOUNDS, strict=True)]
    weekdays = frozenset(day % 7 for day in fields[4])
    return Cron(fields[0], fields[1], fields[2], fields[3], weekdays, parts[2] == "*", parts[4] == "*")


def _field(text: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        if step and not (step.isdigit() and int(step) > 0):
            raise CronError(f"'{part}' has no valid step")
        first, last = _span(span, low, high, bool(step))
        found.update(range(first, last + 1, int(step or 1)))
    return frozenset(found)


def _span(text: str, low: int, high: int, stepped: bool) -> tuple[int, int]:
    if text == "*":
        return low, high
    first, dash, last = text.partition("-")
    if not first.isdigit() or (dash and not last.isdigit()):
        raise CronError(f"'{text}' is no number")
    start = int(first)
    end = int(last) if dash else (high if stepped else start)
    if not low <= start <= end <= high:
        raise CronError(f"'{text}' is not within {low} to {high}")
    return start, end
