"""How values are said on a page: ages, durations, sizes, names of states."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime

from harness.embedded.forge import clock

_AGES = ((365 * 86400, "year"), (30 * 86400, "month"), (7 * 86400, "week"), (86400, "day"), (3600, "hour"))
_HUES = 8
_CAUSES = {"push": "pushed", "workflow_dispatch": "started"}
_WEEK = ("Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_DAYS = {str(number): name for number, name in enumerate(_WEEK)}


def seconds_of(when: int | float | str | None) -> int | None:
    """A time as seconds since the epoch, from those or from ISO 8601; ``None`` when it is none."""
    if when is None or when == "":
        return None
    if isinstance(when, int | float):
        return int(when)
    try:
        return int(datetime.fromisoformat(when).timestamp())
    except ValueError:
        return None


def age(when: int | float | str | None, now: int | None = None) -> str:
    """How long ago, roughly: ``3 minutes ago``."""
    seconds = seconds_of(when)
    if seconds is None:
        return "never"
    passed = (clock.now() if now is None else now) - seconds
    for size, name in (*_AGES, (60, "minute")):
        if passed >= size:
            return f"{passed // size} {name}{'s' if passed // size > 1 else ''} ago"
    return "just now"


def until(when: int, now: int | None = None) -> str:
    """How long from now, roughly: ``in 3 minutes``."""
    left = when - (clock.now() if now is None else now)
    for size, name in (*_AGES, (60, "minute")):
        if left >= size:
            return f"in {left // size} {name}{'s' if left // size > 1 else ''}"
    return "in a moment"


def schedule(line: str) -> str:
    """What a cron line means, when it is one of the usual kinds: ``every 3 hours``; else the line itself."""
    parts = line.split()
    if len(parts) != 5 or parts[2:4] != ["*", "*"] or not parts[0].isdecimal():
        return line
    minute, hour, weekday = parts[0], parts[1], parts[4]
    if weekday == "*" and (hour == "*" or hour.startswith("*/")):
        step = hour.removeprefix("*").removeprefix("/")
        return f"every {step} hours" if step not in {"", "1"} else "every hour"
    if not hour.isdecimal() or not (weekday == "*" or weekday in _DAYS):
        return line
    return f"{_DAYS.get(weekday, 'daily')} at {int(hour):02}:{int(minute):02} UTC"


def moment(when: int | float | str | None) -> str:
    """A time to the minute in UTC: ``2025-03-01 12:30 UTC``."""
    seconds = seconds_of(when)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC") if seconds is not None else ""


def machine_time(when: int | float | str | None) -> str:
    """A time for the attribute ``datetime``."""
    seconds = seconds_of(when)
    return clock.show(seconds) if seconds is not None else ""


def duration(start: int | float | None, end: int | float | None, now: int | None = None) -> str:
    """From start to end, or until now: ``1m 05s``; empty when it has not begun."""
    if not start:
        return ""
    total = max(int((end or (clock.now() if now is None else now)) - start), 0)
    hours, rest = divmod(total, 3600)
    minutes, seconds = divmod(rest, 60)
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {seconds:02}s" if minutes else f"{seconds}s"


def size(count: int) -> str:
    """Bytes as people say them."""
    value, units = float(count), ("bytes", "KiB", "MiB", "GiB")
    for unit in units:
        if value < 1024 or unit == units[-1]:
            return f"{int(value)} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1024
    return ""


def cause(event: str, actor: str) -> str:
    """What started a run: ``pushed by root``, ``started by root``, ``by the clock``."""
    if event == "schedule":
        return "by the clock"
    if event.startswith("pull_request"):
        return f"pull request of {actor}"
    return f"{_CAUSES.get(event, event.replace('_', ' '))} by {actor}"


def run_title(event: str, title: str, name: str) -> str:
    """What a run is called: what was committed says nothing of one that a person or the clock has started."""
    return name if event in {"schedule", "workflow_dispatch"} and name else title or name


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def hue(name: str) -> int:
    """A number from 0 to 7 for the colour of a name; always the same one."""
    return zlib.crc32(name.lower().encode()) % _HUES


def state(status: str, conclusion: str | None = None) -> str:
    """One word for where a run, job or step stands; also the name of its colour and sign."""
    if status == "completed":
        return conclusion or "success"
    return status
