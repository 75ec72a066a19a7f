"""The process that holds one authenticated connection for all sessions of a container."""

from __future__ import annotations

import itertools
import os
import selectors
import shutil
import subprocess
import tempfile
import weakref
from pathlib import Path
from typing import IO

from harness.kit import process
from harness.kit.clock import Deadline
from harness.remote import keys, openssh
from harness.remote.openssh import Door

_READY = b"gitops-ready"
_LONGEST_DIRECTORY = 60
"""A Unix socket's path has 108 bytes (unix(7)), and ssh appends a random suffix of 17 while it binds."""
_END_SECONDS = 5.0
_PREFIX = "gitops-ssh-"


class Master:
    """An ssh process with a control socket in a private directory of its own.

    It runs ``cat`` in the container, on a pipe from this process: when this process dies in whatever way, the pipe
    closes, ``cat`` ends, and the connection goes with it.
    """

    def __init__(self, running: subprocess.Popen[bytes], directory: Path) -> None:
        self._process = running
        self._directory = directory
        self._marks = itertools.count()
        self.socket = directory / "mux"
        self._release = weakref.finalize(self, _end, running, directory)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def mark(self) -> Path:
        """The name of a file that one session makes when it finds no master (see ``openssh.session_argv``)."""
        return self._directory / f"gone-{next(self._marks)}"

    def close(self) -> None:
        """End the connection and remove the socket; harmless when done already."""
        self._release()


def open_master(door: Door, *, seconds: float, first_contact: bool) -> Master:
    """Log in and return when commands can be sent.

    Raises a ``RemoteError`` that says why not, at the latest after ``seconds``.
    """
    parent = Path(_short_directory())
    sweep(parent)
    directory = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
    learned = directory / "learned" if first_contact else None
    running: subprocess.Popen[bytes] | None = None
    try:
        with (directory / "said").open("w+b") as said:
            running = _spawn(door, directory, learned, seconds, said)
            if not _ready(running, Deadline(seconds)):
                said.seek(0)
                raise openssh.failure(door, said.read().decode(errors="replace"))
        if learned is not None:
            keys.pin(door.known_hosts, learned)
    except BaseException:
        _end(running, directory)
        raise
    return Master(running, directory)


def _spawn(
    door: Door, directory: Path, learned: Path | None, seconds: float, said: IO[bytes]
) -> subprocess.Popen[bytes]:
    argv = openssh.master_argv(
        door,
        directory / "mux",
        f"echo {_READY.decode()}; exec cat",
        connect_seconds=seconds,
        learn=learned,
    )
    return process.spawn(argv, stderr=said)


def _ready(running: subprocess.Popen[bytes], deadline: Deadline) -> bool:
    """Whether the mark came before the end of output and the deadline; a profile may print before it."""
    assert running.stdout is not None
    heard = b""
    with selectors.DefaultSelector() as selector:
        selector.register(running.stdout, selectors.EVENT_READ)
        while _READY not in heard:
            if not selector.select(deadline.remaining):
                return False
            chunk = os.read(running.stdout.fileno(), 4096)
            if not chunk:
                running.wait()  # so that all it had to say is in the file
                return False
            heard += chunk
    return True


def sweep(parent: Path) -> None:
    """Remove the directories below ``parent`` that killed processes have left, as far as they are this user's."""
    for left in parent.glob(f"{_PREFIX}*"):
        owner = left.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not _runs(int(owner)):
            shutil.rmtree(left, ignore_errors=True)  # another user's stays: it is not ours to remove


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another user's
    return True


def _short_directory() -> str:
    usual = tempfile.gettempdir()
    return usual if len(usual) <= _LONGEST_DIRECTORY else "/tmp"  # noqa: S108 - mkdtemp makes a private one in it


def _end(running: subprocess.Popen[bytes] | None, directory: Path) -> None:
    if running is not None:
        running.terminate()
        try:
            running.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        for stream in (running.stdin, running.stdout):
            if stream is not None:
                stream.close()
    shutil.rmtree(directory, ignore_errors=True)
