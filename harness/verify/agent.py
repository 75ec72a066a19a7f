"""Many commands over one session: a small program in the container runs them as root and frames the answers."""

from __future__ import annotations

import os
import selectors
import shlex
import struct
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources

from harness.kit.clock import Deadline
from harness.remote import errors
from harness.remote.connection import Connection

COMMAND_SECONDS = 60.0
_GREETING = b"gitops-agent-1"
_REQUEST = struct.Struct("!III")
_ANSWER = struct.Struct("!IIII")
_OUT_OF_TIME = 1
_START_SECONDS = 20.0
_LATE_SECONDS = 10.0
"""How much longer than a command may take its answer may be under way."""
_END_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A command that has ended."""

    code: int
    stdout: bytes
    stderr: bytes


class Agent:
    """Runs commands in one container, as root. Started by the first command, and anew when its session broke.

    May be used by several threads; they wait for one another.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._session: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def ask(self, command: str, *, stdin: bytes = b"", timeout: float = COMMAND_SECONDS) -> Answer:
        """Run ``command`` (sh) and return how it ended.

        Raises ``RemoteError`` when it does not end within ``timeout`` seconds (its processes are killed) or when the
        connection breaks meanwhile.
        """
        text = command.encode()
        request = _REQUEST.pack(round(timeout * 1000), len(text), len(stdin)) + text + stdin
        with self._lock:
            session = self._living_session()
            try:
                state, answer = _exchange(session, request, Deadline(timeout + _LATE_SECONDS))
            except BaseException as error:
                self._drop()
                if isinstance(error, EOFError | OSError):
                    raise self._lost(command, error) from error
                raise
        if state == _OUT_OF_TIME:
            raise errors.RemoteError(f"{self._place}: no end within {timeout:g} s: {errors.short(command)}")
        return answer

    def close(self) -> None:
        """End the session in the container; harmless when done already."""
        with self._lock:
            self._drop()

    @property
    def _place(self) -> str:
        return self.connection.address

    def _lost(self, command: str, error: BaseException) -> errors.ConnectionLost:
        return errors.ConnectionLost(
            f"{self._place}: no answer to {errors.short(command)}",
            hint="see whether the container still runs",
            detail=str(error) or None,
        )

    def _living_session(self) -> subprocess.Popen[bytes]:
        if self._session is not None and self._session.poll() is not None:
            self._drop()
        if self._session is None:
            self._session = self._start()
        return self._session

    def _start(self) -> subprocess.Popen[bytes]:
        program = resources.files(__package__).joinpath("agent.pl").read_bytes()
        session = self.connection.session(_bootstrap(len(program)), sudo=True)
        try:
            _write(session, program)
            _read_greeting(session, Deadline(_START_SECONDS))
        except (EOFError, OSError) as error:
            _end(session)
            self.connection.run("command -v perl", sudo=True, timeout=_START_SECONDS)  # says why, if it can
            raise errors.RemoteError(f"{self._place}: the agent that runs specs' commands did not start") from error
        return session

    def _drop(self) -> None:
        if self._session is not None:
            _end(self._session)
            self._session = None


def _bootstrap(size: int) -> str:
    """Perl that reads ``size`` bytes of program from its input and runs it, leaving the rest of the input to it."""
    code = f"sysread(STDIN,$p,{size}-length $p,length $p) or exit while length($p//='')<{size};eval $p;die $@ if $@"
    return f"exec perl -e {shlex.quote(code)}"


def _exchange(session: subprocess.Popen[bytes], request: bytes, deadline: Deadline) -> tuple[int, Answer]:
    _write(session, request)
    state, code, out, err = _ANSWER.unpack(_read(session, _ANSWER.size, deadline))
    body = _read(session, out + err, deadline)
    return state, Answer(code, body[:out], body[out:])


def _write(session: subprocess.Popen[bytes], data: bytes) -> None:
    assert session.stdin is not None
    session.stdin.write(data)
    session.stdin.flush()


def _read(session: subprocess.Popen[bytes], size: int, deadline: Deadline) -> bytes:
    """Exactly ``size`` bytes. Raises ``EOFError`` when they do not come."""
    read = bytearray()
    while len(read) < size:
        read += _read_some(session, size - len(read), deadline)
    return bytes(read)


def _read_greeting(session: subprocess.Popen[bytes], deadline: Deadline) -> None:
    heard = b""
    while not heard.endswith(_GREETING):
        heard += _read_some(session, 1, deadline)


def _read_some(session: subprocess.Popen[bytes], most: int, deadline: Deadline) -> bytes:
    assert session.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(session.stdout, selectors.EVENT_READ)
        if not selector.select(deadline.remaining):
            raise EOFError("nothing came in time")
    data = os.read(session.stdout.fileno(), most)
    if not data:
        raise EOFError("the session ended")
    return data


def _end(session: subprocess.Popen[bytes]) -> None:
    for stream in (session.stdin, session.stdout):
        if stream is not None:
            with suppress(OSError):  # what is unsent has no reader any more
                stream.close()
    try:
        session.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        session.kill()
        session.wait()
