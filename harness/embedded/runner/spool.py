"""What the forge has yet to hear of a task, on disk: a directory each, which outlives forge and runner.

``log`` has a JSON list ``[seconds, text]`` a line, ``state.json`` steps, conclusion and the mark of the processes.
Secrets are masked before they come here.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.embedded.runner.protocol import Conclusion, StepState
from harness.kit.errors import HarnessError
from harness.kit.files import private_directory, write_atomic

LARGEST_LOG = 64 * 1024 * 1024
_BATCH_LINES, _BATCH_BYTES = 1000, 512 * 1024
Line = tuple[float, str]


class SpoolError(HarnessError):
    """The log or the state of a task cannot be written."""


@dataclass
class State:
    """All but the log. ``mark`` is in the environment of every process of the task."""

    mark: str = ""
    conclusion: str | None = None
    steps: list[dict[str, Any]] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message to the forge: lines from number ``first`` on, with the state that holds after them."""

    first: int
    lines: Sequence[Line]
    state: dict[str, Any]
    last: bool
    version: int

    def as_json(self) -> dict[str, Any]:
        """The body of the message; a conclusion is told with the last lines only."""
        told = {"first": self.first, "lines": list(self.lines), "steps": self.state["steps"]}
        if self.last and self.state["conclusion"]:
            told |= {name: self.state[name] for name in ("conclusion", "outputs", "summary")}
        return told


class TaskSpool:
    """One task's directory. The job's thread writes, the courier reads."""

    def __init__(self, directory: Path, changed: Callable[[], None] = lambda: None) -> None:
        self.task = int(directory.name)
        self.directory = private_directory(directory)
        self.state = State()
        self.lines = 0
        self._changed = changed
        self._lock = threading.Lock()
        self._log = os.open(self.directory / "log", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = 0
        self._unwritten: list[Line] = []  # the last lines, when the file takes no more
        self._closed = False
        self._version = 0
        self._told = -1
        self._sent_lines = self._sent_bytes = 0

    @classmethod
    def reopen(cls, directory: Path, changed: Callable[[], None]) -> TaskSpool:
        """As an earlier runner left it; a torn last line is dropped."""
        found = cls(directory, changed)
        raw = (directory / "log").read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        os.truncate(found._log, len(whole))
        found._size, found.lines = len(whole), whole.count(b"\n")
        state = directory / "state.json"
        if state.exists():
            found.state = State(**json.loads(state.read_bytes()))
        return found

    def write(self, lines: Iterable[str]) -> None:
        """Add lines to the log; raises ``SpoolError`` when the disk does not take them, which keeps what was there."""
        now = round(time.time(), 3)
        with self._lock:
            if self._closed:
                return
            fresh = [(now, line) for line in lines]
            self._append(b"".join(map(_coded, fresh)), len(fresh))
            if self._size >= LARGEST_LOG:
                self._close(f"the log ends here: it has reached {LARGEST_LOG >> 20} MiB")
        self._changed()

    def _append(self, data: bytes, count: int) -> None:
        try:
            while data:
                data = data[os.write(self._log, data) :]
        except OSError as error:
            os.truncate(self._log, self._size)
            words = f"the log cannot be written: {error.strerror}"
            self._close(words)
            raise SpoolError(words) from error
        self._size = os.fstat(self._log).st_size
        self.lines += count

    def _close(self, line: str) -> None:
        """Nothing goes to the file any more; ``line`` and notes after it are kept in memory."""
        self._closed = True
        self._unwritten.append((round(time.time(), 3), line))

    def note(self, line: str) -> None:
        """A line of the runner's own, which is kept in memory when the file takes nothing."""
        with contextlib.suppress(SpoolError):  # the refusal itself is a line then
            self.write([line])
        with self._lock:
            if self._closed:
                self._close(line)
        self._changed()

    def begin(self, mark: str) -> None:
        """The task starts; its processes will carry ``mark``."""
        self.state.mark = mark
        self._save()

    def step(self, changed: StepState) -> None:
        """A step has another state."""
        with self._lock:
            rest = [one for one in self.state.steps if one["number"] != changed.number]
            self.state.steps = sorted([*rest, changed.as_json()], key=lambda one: int(one["number"]))
        self._save()

    def conclude(self, conclusion: Conclusion, outputs: dict[str, str] | None = None, summary: str = "") -> None:
        """The task is over. When the disk is full that is at least kept until it is told."""
        with self._lock:
            self.state.conclusion, self.state.outputs, self.state.summary = conclusion, outputs or {}, summary
        try:
            self._save()
        except SpoolError as error:
            self.note(str(error))

    def interrupt(self) -> None:
        """The runner had ended before the task did."""
        self.note("interrupted: the runner was ended")
        now = round(time.time(), 3)
        for one in self.state.steps:
            if one["status"] != "completed":
                one.update(status="completed", conclusion=Conclusion.CANCELLED, ended=now)
        self.conclude(Conclusion.INTERRUPTED)

    def _save(self) -> None:
        with self._lock:
            self._version += 1
            text = json.dumps(_plain(self.state))
        self._changed()
        try:
            write_atomic(self.directory / "state.json", text, mode=0o600)
        except OSError as error:
            raise SpoolError(f"the task's state cannot be written: {error.strerror}") from error

    def next(self) -> Parcel | None:
        """What the forge has to be told now, or ``None``."""
        with self._lock:
            lines = self._read()
            last = self._sent_lines + len(lines) == self.lines + len(self._unwritten)
            if not lines and self._told == self._version:
                return None
            return Parcel(self._sent_lines, lines, _plain(self.state), last, self._version if last else -1)

    def _read(self) -> list[Line]:
        data = os.pread(self._log, min(_BATCH_BYTES, self._size - self._sent_bytes), self._sent_bytes)
        raw = data[: data.rfind(b"\n") + 1].splitlines()[:_BATCH_LINES]
        if not raw and self._sent_bytes == self._size:
            return self._unwritten[self._sent_lines - self.lines :]
        return [tuple(json.loads(line)) for line in raw]

    def told(self, parcel: Parcel, wanted: int) -> None:
        """The forge has taken the parcel and wants line number ``wanted`` next."""
        with self._lock:
            self._told = parcel.version
            self._seek(wanted)

    def _seek(self, line: int) -> None:
        """Read on from ``line``."""
        if line < self._sent_lines:
            self._sent_lines = self._sent_bytes = 0
        while self._sent_lines < min(line, self.lines) and self._sent_bytes < self._size:
            data = os.pread(self._log, _BATCH_BYTES, self._sent_bytes)
            raw = data[: data.rfind(b"\n") + 1].splitlines(keepends=True)[: line - self._sent_lines]
            self._sent_lines += len(raw)
            self._sent_bytes += sum(map(len, raw))
        self._sent_lines = max(self._sent_lines, min(line, self.lines + len(self._unwritten)))

    @property
    def delivered(self) -> bool:
        """Whether the forge knows how it ended, and every line."""
        with self._lock:
            sent = self._sent_lines == self.lines + len(self._unwritten)
            return bool(self.state.conclusion) and sent and self._told == self._version

    def remove(self) -> None:
        """Nothing is left to tell."""
        with self._lock:
            if not self.directory.exists():
                return
            os.close(self._log)
            shutil.rmtree(self.directory)


def _coded(line: Line) -> bytes:
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _plain(state: State) -> dict[str, Any]:
    return {name: getattr(state, name) for name in State.__dataclass_fields__}


def reopen_all(directory: Path, changed: Callable[[], None]) -> list[TaskSpool]:
    """What an earlier runner has left."""
    found = sorted(private_directory(directory).iterdir(), key=lambda path: path.name)
    return [TaskSpool.reopen(path, changed) for path in found if path.name.isdigit()]
