"""The one door to other programs on this machine."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from harness.kit.errors import HarnessError
from harness.kit.secret import redact


@dataclass(frozen=True, slots=True)
class Completed:
    """A program that has ended. ``seconds`` is wall time."""

    argv: tuple[str, ...]
    code: int
    stdout: bytes
    stderr: bytes
    seconds: float

    @property
    def text(self) -> str:
        """Standard output, decoded."""
        return self.stdout.decode(errors="replace")

    @property
    def error_text(self) -> str:
        """Standard error, decoded."""
        return self.stderr.decode(errors="replace")


class CommandError(HarnessError):
    """A program ended with a code that was not wanted; carries what it printed."""

    def __init__(self, completed: Completed, *, hint: str | None = None) -> None:
        self.completed = completed
        output = redact((completed.error_text or completed.text).strip())
        last = output.splitlines()[-1] if output else "no output"
        command = redact(shlex.join(completed.argv[:3]))
        super().__init__(f"{command} … ended with {completed.code}: {last}", hint=hint, detail=output)


class Runner(Protocol):
    """Runs a program to its end."""

    def __call__(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float | None = None,
        check: bool = True,
    ) -> Completed: ...


def run(
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
    check: bool = True,
) -> Completed:
    """Run ``argv`` to its end, output captured. ``env`` adds to the environment.

    Raises ``CommandError`` on a non-zero code when ``check``, on a program that is missing, and after ``timeout``
    seconds (code 124, as timeout(1) says it).
    """
    started = time.monotonic()
    full_env = {**os.environ, **env} if env else None
    try:
        done = subprocess.run(
            list(argv), check=False, input=stdin, env=full_env, cwd=cwd, timeout=timeout, capture_output=True
        )
        code, out, err = done.returncode, done.stdout, done.stderr
    except FileNotFoundError:
        code, out, err = 127, b"", f"{argv[0]}: command not found".encode()
        check = True
    except subprocess.TimeoutExpired as late:
        code, out, err = 124, late.stdout or b"", f"no end within {timeout:g} s".encode()
        check = True
    completed = Completed(tuple(argv), code, out, err, time.monotonic() - started)
    if check and code != 0:
        raise CommandError(completed)
    return completed


def spawn(argv: Sequence[str], *, stderr: IO[bytes] | int) -> subprocess.Popen[bytes]:
    """Start ``argv`` with pipes to its standard input and output and leave it running.

    It gets a session of its own, so that Ctrl-C reaches us first and we end it in order.
    """
    pipe = subprocess.PIPE
    return subprocess.Popen(list(argv), stdin=pipe, stdout=pipe, stderr=stderr, start_new_session=True)
