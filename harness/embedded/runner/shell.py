"""One command of a job: started in a process group of its own, read line by line, ended when it must be."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from harness.embedded.runner import children, processes
from harness.embedded.runner.halt import Halt, Level
from harness.embedded.runner.lines import Lines
from harness.kit.clock import Deadline

_TICK = 0.2  # seconds between looks at the clock and at ``Halt`` while the command is silent
_DRAIN = 1.0  # seconds to read on after the command's end, while a child of it holds the pipe
_CHUNK = 64 * 1024


class Why(StrEnum):
    """Why a command ended."""

    EXIT = "exit"
    TIMEOUT = "timeout"
    HALT = "halt"


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. ``deadline`` bounds it; a halt above ``tolerated`` ends it; ``grace`` seconds lie between
    SIGTERM and SIGKILL."""

    argv: Sequence[str]
    directory: Path
    environment: Mapping[str, str] = field(repr=False)
    deadline: Deadline
    mark: str
    tolerated: Level = Level.GO_ON
    grace: float = 10.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended; ``code`` is as a shell gives it: 128 and the signal for a killed one."""

    code: int
    why: Why


def execute(command: Command, lines: Lines, halt: Halt) -> Ended:
    """Run ``command`` to its end and leave no process of it behind.

    Raises ``OSError`` when it cannot start, ``SpoolError`` when its output cannot be kept.
    """
    process = children.spawn(lambda: _start(command))
    try:
        return _Watch(command, process, lines, halt).follow()
    finally:
        _end(process, command.mark)


def _start(command: Command) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        list(command.argv),
        cwd=command.directory,
        env=dict(command.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _end(process: subprocess.Popen[bytes], mark: str) -> None:
    """The group first, which is quick, then what has left it."""
    processes.signal_group(process.pid, signal.SIGKILL)
    process.wait()
    children.forget(process)
    assert process.stdout is not None
    process.stdout.close()
    processes.kill_all(lambda: processes.marked(mark))


class _Watch:
    """Follows one process: output, time and wishes."""

    def __init__(self, command: Command, process: subprocess.Popen[bytes], lines: Lines, halt: Halt) -> None:
        assert process.stdout is not None
        self._command = command
        self._process = process
        self._pipe = process.stdout.fileno()
        self._lines = lines
        self._halt = halt
        self._why = Why.EXIT
        self._kill: Deadline | None = None
        self._drain: Deadline | None = None

    def follow(self) -> Ended:
        with selectors.DefaultSelector() as selector:
            selector.register(self._pipe, selectors.EVENT_READ)
            while not (selector.select(_TICK) and self._read_is_over()) and not self._tick():
                pass
        code = self._wait()
        if code and self._halt.level > self._command.tolerated:
            self._why = Why.HALT  # whoever asked for it may have ended the process too
        self._lines.end()
        return Ended(code if code >= 0 else 128 - code, self._why)

    def _read_is_over(self) -> bool:
        data = os.read(self._pipe, _CHUNK)
        self._lines.feed(data)
        return not data

    def _tick(self) -> bool:
        """Look at everything that is not output; whether reading is over."""
        self._consider()
        if self._process.poll() is None:
            return False
        self._drain = self._drain or Deadline(_DRAIN)
        return self._drain.passed

    def _consider(self) -> None:
        """End the group when its time is over or somebody wishes so."""
        if self._kill is None:
            why = self._reason()
            if why:
                self._why, self._kill = why, Deadline(self._command.grace)
                processes.signal_group(self._process.pid, signal.SIGTERM)
        elif self._kill.passed:
            processes.signal_group(self._process.pid, signal.SIGKILL)

    def _reason(self) -> Why | None:
        if self._halt.level > self._command.tolerated:
            return Why.HALT
        return Why.TIMEOUT if self._command.deadline.passed else None

    def _wait(self) -> int:
        """A command may close its output long before it ends."""
        while True:
            try:
                return self._process.wait(_TICK)
            except subprocess.TimeoutExpired:
                self._consider()
