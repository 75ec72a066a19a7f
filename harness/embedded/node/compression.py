"""Archives' compression, by the programs of this machine: streams of any size, nothing held in memory."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from harness.embedded.node.runtime import ArchiveError, GuestError

_TOOLS = {
    ".zst": ("zstd", "-q", "-T0"),
    ".gz": ("gzip", "-n"),
    ".lzo": ("lzop", "-q"),
    ".xz": ("xz", "-q", "-T0"),
    ".bz2": ("bzip2", "-q"),
}
_PACKAGES = {"xz": "xz-utils"}


def tool(path: Path) -> tuple[str, ...] | None:
    """The program for a file, by its suffix, with its arguments; None when the file is not compressed."""
    return _TOOLS.get(path.suffix)


@contextmanager
def writing(path: Path, shape: Path | None = None) -> Iterator[IO[bytes]]:
    """A stream whose bytes land compressed in ``path``; ``shape`` is a path with the suffix meant, else ``path``'s.

    Raises ``GuestError`` when the program is missing or fails.
    """
    wanted = tool(shape or path)
    with path.open("wb") as file:
        if wanted is None:
            yield file
            return
        child = _start(wanted, stdin=subprocess.PIPE, stdout=file)
        assert child.stdin is not None  # a pipe was asked for
        with _reaped(child):
            yield child.stdin
            child.stdin.close()
            if child.wait() != 0:
                raise GuestError(f"{wanted[0]} ended with {child.returncode} while writing {path.name}")


@contextmanager
def reading(path: Path, *, whole: bool = True) -> Iterator[IO[bytes]]:
    """The bytes of an archive, plain. Raises ``ArchiveError`` at the end of one that is broken, when it is read to it.

    Who stops before that says so with ``whole``.
    """
    wanted = tool(path)
    with path.open("rb") as file:
        if wanted is None:
            yield file
            return
        child = _start((*wanted, "-dc"), stdin=file, stdout=subprocess.PIPE)
        assert child.stdout is not None  # a pipe was asked for
        with _reaped(child):
            yield child.stdout
            child.stdout.close()
            if whole and child.wait() != 0:
                raise ArchiveError("exit code 2")


def _start(argv: tuple[str, ...], *, stdin: IO[bytes] | int, stdout: IO[bytes] | int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(argv, stdin=stdin, stdout=stdout, stderr=subprocess.DEVNULL)
    except FileNotFoundError as missing:
        package = _PACKAGES.get(argv[0], argv[0])
        text = f"this kind of archive needs {argv[0]} on this machine"
        raise GuestError(text, hint=f"apt-get install {package}") from missing


@contextmanager
def _reaped(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Leave no process behind, however the stream's use ends."""
    try:
        yield
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None and not stream.closed:
                _close(stream)


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except BrokenPipeError:
        return  # its reader was killed just now
