"""Noticing that files below a directory changed."""

from __future__ import annotations

from pathlib import Path

from harness.kit.clock import Clock

Fingerprint = frozenset[tuple[str, int, int]]
_POLL_SECONDS = 0.4
_IGNORED = {"__pycache__", ".git"}
_PASSING = (".swp", ".swx", "~", ".tmp")  # what editors write beside the file while it is being saved


def fingerprint(directory: Path) -> Fingerprint:
    """Path, modification time (ns) and size of each file a person saves there."""
    return frozenset(_entries(directory))


def _entries(directory: Path) -> list[tuple[str, int, int]]:
    found = []
    for path in directory.rglob("*"):
        if _IGNORED & set(path.parts) or path.name.endswith(_PASSING) or not path.is_file():
            continue
        status = path.stat()
        found.append((str(path.relative_to(directory)), status.st_mtime_ns, status.st_size))
    return found


def wait_for_change(directory: Path, before: Fingerprint, clock: Clock) -> Fingerprint:
    """Return the new fingerprint once something differs from ``before`` and has stood still for one look."""
    last = before
    while True:
        clock.sleep(_POLL_SECONDS)
        now = fingerprint(directory)
        if now != before and now == last:
            return now
        last = now
