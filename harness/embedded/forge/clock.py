"""Times as the forge stores and shows them: whole seconds since the epoch, UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime

ZERO = "0001-01-01T00:00:00Z"  # Go's zero time, shown where Gitea has not filled a field


def now() -> int:
    """Seconds since the epoch."""
    return int(time.time())


def show(seconds: int | None) -> str:
    """RFC 3339; the epoch when there is none."""
    return datetime.fromtimestamp(seconds or 0, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read(text: str) -> int | None:
    """The seconds of an RFC 3339 time; ``None`` for what is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def show_or_none(seconds: int | None) -> str | None:
    """RFC 3339, or ``None`` when there is no time."""
    return show(seconds) if seconds else None
