"""Locks that a killed git leaves behind."""

from __future__ import annotations

import time
from pathlib import Path

_OLD_SECONDS = 5.0


def clear_stale_locks(repositories: Path, *, now: float | None = None) -> int:
    """Remove lock files that nobody can hold any more; how many.

    A push that outlived the forge may hold a lock for the moment between writing and renaming it, so a young one stays
    and git itself waits for it.
    """
    limit, count = (now or time.time()) - _OLD_SECONDS, 0
    for lock in repositories.glob("*.git/**/*.lock"):
        try:
            if lock.stat().st_mtime < limit:
                lock.unlink()
                count += 1
        except FileNotFoundError:
            continue  # its holder was faster
    return count
