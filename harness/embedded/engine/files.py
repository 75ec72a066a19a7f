"""Files to lay into a container, whichever way they go there."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class File:
    """One file to lay into a container, or a directory (``data`` None). Directories above it that are not named
    belong to root and are open to all."""

    path: str
    data: bytes | None
    mode: int = 0o600
    owner: int = 0
    """User and group id."""


def archive(files: Iterable[File]) -> bytes:
    """A tar of files and directories, in their order."""
    stream = io.BytesIO()
    now = int(time.time())
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for file in files:
            entry = tarfile.TarInfo(file.path.lstrip("/"))
            entry.mode, entry.mtime = file.mode, now
            entry.uid = entry.gid = file.owner
            if file.data is None:
                entry.type = tarfile.DIRTYPE
                tar.addfile(entry)
            else:
                entry.size = len(file.data)
                tar.addfile(entry, io.BytesIO(file.data))
    return stream.getvalue()
