"""Commands and files to one container, over one connection that is made anew when it broke between two commands."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from harness.kit import process
from harness.kit.clock import Clock, Deadline, wait_until
from harness.kit.errors import DeadlineError
from harness.kit.process import Completed
from harness.remote import errors, openssh
from harness.remote.master import Master, open_master
from harness.remote.openssh import Door
from harness.remote.patience import Patience
from harness.remote.stream import run_streaming

_SESSIONS = 8
"""At a time; sshd's MaxSessions is 10 by default, and the master has one itself."""
_LOGIN_SECONDS = 15.0
_RECONNECT_SECONDS = 20.0
_LATE_SECONDS = 15.0
"""How much longer than a command's own time-out its ssh client may live: the container ends the command itself."""
_TIMED_OUT = 124

OnLine = Callable[[str], None]


class Connection:
    """A container reached as one user. May be used by several threads; each process makes its own.

    ``run`` and ``put`` raise ``RemoteError``.
    """

    def __init__(self, door: Door, master: Master, clock: Clock) -> None:
        self.door = door
        self._master = master
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions = threading.BoundedSemaphore(_SESSIONS)
        self._closed = False

    @property
    def address(self) -> str:
        """Where the container is."""
        return self.door.address

    @property
    def user(self) -> str:
        """As whom commands run without sudo."""
        return self.door.user

    def run(
        self,
        command: str,
        *,
        sudo: bool = False,
        stdin: bytes = b"",
        timeout: float | None = None,
        check: bool = True,
        on_line: OnLine | None = None,
    ) -> Completed:
        """Run ``command`` (sh) to its end in the container.

        ``timeout`` in seconds is kept by the container itself. ``on_line`` gets each line of both outputs while they
        come. Raises ``RemoteCommandError`` on a non-zero code when ``check`` and always on a time-out,
        ``ConnectionLost`` when the connection broke while the command ran. One that broke before is made anew.
        """
        text = openssh.remote_command(command, user=self.user, sudo=sudo, timeout=timeout)
        done = self._execute(text, stdin, timeout, on_line)
        completed = Completed((str(self.door), command), done.code, done.stdout, done.stderr, done.seconds)
        if timeout is not None and done.code == _TIMED_OUT:
            raise errors.RemoteCommandError(str(self.door), command, completed, reason=f"no end within {timeout:g} s")
        if check and done.code != 0:
            raise errors.RemoteCommandError(str(self.door), command, completed)
        return completed

    def put(self, data: bytes, path: str, *, mode: str = "0644", sudo: bool = False) -> None:
        """Store ``data`` as ``path`` in the container, whole or not at all, with ``mode`` (octal)."""
        self.run(openssh.put_command(path, size=len(data), mode=mode), sudo=sudo, stdin=data, timeout=300)

    def session(self, command: str, *, sudo: bool = False) -> subprocess.Popen[bytes]:
        """Start ``command`` and leave it running with pipes to its standard input and output.

        For agents that answer many questions. Its end of file means that it ended or that the connection broke.
        """
        text = openssh.remote_command(command, user=self.user, sudo=sudo, timeout=None)
        master = self._living_master()
        argv = openssh.session_argv(self.door, master.socket, text, gone=master.mark())
        return process.spawn(argv, stderr=subprocess.DEVNULL)

    def close(self) -> None:
        """End the connection; harmless when done already."""
        with self._lock:
            self._closed = True
            self._master.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _execute(self, text: str, stdin: bytes, timeout: float | None, on_line: OnLine | None) -> Completed:
        with self._sessions:
            for _ in range(2):
                master = self._living_master()
                gone = master.mark()
                done = self._once(
                    openssh.session_argv(self.door, master.socket, text, gone=gone), stdin, timeout, on_line
                )
                if done.code != openssh.FAILED:
                    return done
                if gone.exists():
                    master.close()
                elif self._answers(master):
                    return done  # 255 is the command's own code
                else:
                    break
        raise errors.ConnectionLost(
            f"the connection to {self.door} broke while a command ran",
            hint="see whether the container still runs, then repeat the command",
            detail=done.error_text.strip(),
        )

    def _once(self, argv: list[str], stdin: bytes, timeout: float | None, on_line: OnLine | None) -> Completed:
        limit = None if timeout is None else timeout + _LATE_SECONDS
        if on_line is not None:
            return run_streaming(argv, stdin=stdin, timeout=limit, on_line=on_line)
        try:
            return process.run(argv, stdin=stdin, timeout=limit, check=False)
        except process.CommandError as late:
            return late.completed

    def _answers(self, master: Master) -> bool:
        check = openssh.check_argv(self.door, master.socket)
        return master.alive and process.run(check, timeout=_LOGIN_SECONDS, check=False).code == 0

    def _living_master(self) -> Master:
        with self._lock:
            if self._closed:
                raise errors.RemoteError(f"the connection to {self.door} has been closed")
            if not self._master.alive:
                self._master.close()
                self._master = _reach(self.door, Deadline(_RECONNECT_SECONDS, self._clock), first_contact=False)
            return self._master


def connect(
    address: str,
    user: str,
    *,
    key: Path,
    known_hosts: Path,
    deadline: Deadline,
    first_contact: bool,
    port: int = 22,
    program: str = "ssh",
) -> Connection:
    """Wait until ssh answers at ``address`` and log in as ``user`` with ``key``.

    ``first_contact`` (a container that was just made) pins its host key in ``known_hosts``; otherwise the pinned one
    is required. Raises ``HostKeyChanged`` or ``HostKeyUnknown`` at once, ``LoginRefused`` after a second try (sshd may
    be up before the keys are), and ``RemoteUnreachable`` when ``deadline`` passes.
    """
    door = Door(address, user, key, known_hosts, port, program)
    return Connection(door, _reach(door, deadline, first_contact=first_contact), deadline.clock)


def _reach(door: Door, deadline: Deadline, *, first_contact: bool) -> Master:
    patience = Patience(deadline.clock)

    def attempt() -> Master | None:
        if not patience.may_try:
            return None
        try:
            seconds = max(1.0, min(_LOGIN_SECONDS, deadline.remaining))
            return open_master(door, seconds=seconds, first_contact=first_contact)
        except errors.RemoteError as error:
            patience.bear(error)
            return None

    try:
        return wait_until(attempt, deadline, f"ssh to {door}", longest_pause=0.2)
    except DeadlineError as late:
        raise errors.RemoteUnreachable(
            f"ssh to {door} did not come up within {deadline.seconds:g} s: {patience.last_word}",
            hint="see whether the container runs and whether this machine has a route to its address",
            detail=patience.detail,
        ) from late
