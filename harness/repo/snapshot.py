"""The working tree at one moment: every file with its mode and the name of its content."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.repo import worktree
from harness.repo.objects import FILE, LINK, PROGRAM, Entry, blob_id


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Files by path relative to ``root``."""

    root: Path
    files: Mapping[str, Entry]


def take(root: Path, bare: Path) -> Snapshot:
    """Read the working tree at ``root``; ``bare`` is any bare repository of ours."""
    entries = {path: _entry(root / path) for path in worktree.files(root, bare)}
    return Snapshot(root, {path: entry for path, entry in entries.items() if entry is not None})


def read(path: Path) -> bytes | None:
    """A file's bytes, a link's target; None for what git cannot keep and for what has gone meanwhile."""
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            return os.fsencode(path.readlink())
        return path.read_bytes() if stat.S_ISREG(mode) else None
    except (FileNotFoundError, NotADirectoryError):
        return None


def _entry(path: Path) -> Entry | None:
    data = read(path)
    if data is None:
        return None
    mode = path.lstat().st_mode
    kind = LINK if stat.S_ISLNK(mode) else PROGRAM if mode & stat.S_IXUSR else FILE
    return Entry(kind, blob_id(data))
