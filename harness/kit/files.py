"""Files that survive a crash: written whole or not at all, appended durably, private where they hold secrets."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.kit.errors import NoSpaceError


@contextmanager
def _space(path: Path) -> Iterator[None]:
    """Say which file it was that a full disk kept from being written; raises ``NoSpaceError``."""
    try:
        yield
    except OSError as error:
        if not NoSpaceError.is_meant(error):
            raise
        error.filename = str(path)
        raise NoSpaceError(error) from error


def write_atomic(path: Path, data: bytes | str, *, mode: int = 0o644) -> None:
    """Replace ``path`` by ``data`` in one step, fsynced, with ``mode`` from its first moment on.

    Raises ``NoSpaceError`` when the disk is full; the old content is then still there.
    """
    raw = data.encode() if isinstance(data, str) else data
    with _space(path):
        _replace(path, raw, mode)


def _replace(path: Path, raw: bytes, mode: int) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(raw)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def private_directory(path: Path) -> Path:
    """``path`` as a directory of mode 0700, made when missing, parents too."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.chmod(0o700)
    return path


def append_durably(path: Path, line: str) -> None:
    """Append one line and fsync it; several processes may do so at once, and a torn last line is closed first.

    Raises ``NoSpaceError`` when the disk is full.
    """
    with _space(path):
        _append(path, line)


def _append(path: Path, line: str) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, (b"\n" if torn else b"") + line.rstrip("\n").encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file ``path`` for the duration; other processes wait."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
