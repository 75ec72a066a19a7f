"""What the forge has yet to hear of a task, on disk: a directory each, which outlives forge and runner.

``records`` has a JSON value a line, in the order of what happened: a string is a line of the log, an object says that a
step has begun or ended. ``state.json`` has the conclusion and the mark of the task's processes, ``sent`` how far the
forge is. Secrets are masked before they come here.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from harness.embedded.runner.protocol import Conclusion
from harness.kit.errors import HarnessError
from harness.kit.files import private_directory, write_atomic

LARGEST_LOG = 64 * 1024 * 1024
_BATCH_LINES, _BATCH_BYTES = 1000, 512 * 1024
Record = str | dict[str, Any]


class SpoolError(HarnessError):
    """The log or the state of a task cannot be written."""


@dataclass
class State:
    """``mark`` is in the environment of every process of the task; ``conclusion`` is empty while it runs."""

    mark: str = ""
    conclusion: str = ""


@dataclass(frozen=True, slots=True)
class Log:
    """Lines, the first of which is number ``at`` of the log; ``size`` is what they take in the file."""

    at: int
    lines: Sequence[str]
    size: int


@dataclass(frozen=True, slots=True)
class StepReport:
    """A step has begun or ended."""

    number: int
    status: str
    conclusion: str | None
    size: int


@dataclass(frozen=True, slots=True)
class End:
    """The task is over."""

    conclusion: str


Message = Log | StepReport | End


class TaskSpool:
    """One task's directory, named ``<job>-<attempt>``. The task's thread writes, the courier reads."""

    def __init__(self, directory: Path, changed: Callable[[], None] = lambda: None) -> None:
        self.name = directory.name
        self.job = int(directory.name.partition("-")[0])
        self.directory = private_directory(directory)
        self.state = State()
        self._changed = changed
        self._lock = threading.Lock()
        self._file = os.open(self.directory / "records", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = 0
        self._unwritten: list[Record] = []  # the last records, when the file takes no more
        self._closed = False
        self._open_step: int | None = None
        self._sent_bytes = self._sent_lines = self._sent_unwritten = 0

    @classmethod
    def reopen(cls, directory: Path, changed: Callable[[], None]) -> TaskSpool:
        """As an earlier runner left it; a torn last record is dropped."""
        found = cls(directory, changed)
        raw = (directory / "records").read_bytes()
        found._size = raw.rfind(b"\n") + 1
        os.truncate(found._file, found._size)
        state, sent = directory / "state.json", directory / "sent"
        if state.exists():
            found.state = State(**json.loads(state.read_bytes()))
        if sent.exists():
            found._sent_bytes, found._sent_lines = map(int, sent.read_text().split())
        return found

    # Writing

    def begin(self, mark: str) -> None:
        """The task starts; its processes will carry ``mark``. Raises ``SpoolError``."""
        self.state.mark = mark
        self._save()

    def write(self, records: Iterable[Record]) -> None:
        """Add records; raises ``SpoolError`` when the disk does not take them, which keeps what was there."""
        with self._lock:
            if self._closed:
                return
            self._append(
                b"".join(json.dumps(one, ensure_ascii=False).encode(errors="replace") + b"\n" for one in records)
            )
            if self._size >= LARGEST_LOG:
                self._close(f"the log ends here: it has reached {LARGEST_LOG >> 20} MiB")
        self._changed()

    def _append(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            os.truncate(self._file, self._size)
            words = f"the log cannot be written: {error.strerror}"
            self._close(words)
            raise SpoolError(words) from error
        self._size = os.fstat(self._file).st_size

    def _close(self, record: Record) -> None:
        """Nothing goes to the file any more; ``record`` and the runner's own after it are kept in memory."""
        self._closed = True
        self._unwritten.append(record)

    def _note(self, record: Record) -> None:
        if not self._closed:
            with contextlib.suppress(SpoolError):  # the refusal itself is a line then
                self.write([record])
                return
        with self._lock:
            self._close(record)
        self._changed()

    def note(self, line: str) -> None:
        """A line of the runner's own, which is kept in memory when the file takes nothing."""
        self._note(line)

    def begin_step(self, number: int) -> None:
        """A step begins: the lines after this are its own."""
        self._open_step = number
        self._note({"number": number, "status": "running", "conclusion": None})

    def end_step(self, number: int, conclusion: Conclusion) -> None:
        """A step has ended, or was skipped."""
        self._open_step = None
        self._note({"number": number, "status": "completed", "conclusion": conclusion})

    def conclude(self, conclusion: Conclusion) -> None:
        """The task is over, and so is its open step. When the disk is full that is at least kept until it is told."""
        if self._open_step is not None:
            cut = conclusion if conclusion is Conclusion.FAILURE else Conclusion.CANCELLED
            self.end_step(self._open_step, cut)
        try:
            self.state.conclusion = conclusion
            self._save()
        except SpoolError as error:
            self.note(str(error))

    def _save(self) -> None:
        try:
            write_atomic(self.directory / "state.json", json.dumps(asdict(self.state)), mode=0o600)
        except OSError as error:
            raise SpoolError(f"the task's state cannot be written: {error.strerror}") from error
        finally:
            self._changed()

    # Telling

    def next(self) -> Message | None:
        """What the forge has to be told now, or ``None``."""
        conclusion = self.state.conclusion  # before the records: nothing is added after it
        with self._lock:
            ahead = self._ahead()
            if not ahead:
                return End(conclusion) if conclusion else None
            first, size = ahead[0]
            if isinstance(first, dict):
                return StepReport(**first, size=size)
            run = list(takewhile(lambda one: isinstance(one[0], str), ahead))
            return Log(self._sent_lines, [str(line) for line, _ in run], sum(size for _, size in run))

    def _ahead(self) -> list[tuple[Record, int]]:
        """The next records, each with its size in the file."""
        if self._sent_bytes == self._size:
            return [(one, 0) for one in self._unwritten[self._sent_unwritten :]]
        data = os.pread(self._file, min(_BATCH_BYTES, self._size - self._sent_bytes), self._sent_bytes)
        raw = data[: data.rfind(b"\n") + 1].splitlines(keepends=True)[:_BATCH_LINES]
        return [(json.loads(one), len(one)) for one in raw]

    def told(self, message: Log | StepReport, held: int | None = None) -> None:
        """The forge has taken the message; ``held`` is how many lines it has, if it said so."""
        with self._lock:
            if isinstance(message, Log) and held is not None and held < message.at:
                self._rewind(held)
            else:
                lines = len(message.lines) if isinstance(message, Log) else 0
                self._sent_bytes += message.size
                self._sent_lines += lines
                self._sent_unwritten += 0 if message.size else max(lines, 1)
            with contextlib.suppress(OSError):  # a full disk: then more is told twice after a restart
                (self.directory / "sent").write_text(f"{self._sent_bytes} {self._sent_lines}")

    def _rewind(self, line: int) -> None:
        """The forge has lost lines: go back to the record that is line ``line``."""
        self._sent_bytes = self._sent_lines = self._sent_unwritten = 0
        while self._sent_lines < line and self._sent_bytes < self._size:
            for record, size in self._ahead():
                if self._sent_lines == line:
                    return
                self._sent_bytes += size
                self._sent_lines += isinstance(record, str)

    def remove(self) -> None:
        """Nothing is left to tell."""
        with self._lock:
            if self.directory.exists():
                os.close(self._file)
                shutil.rmtree(self.directory)


def reopen_all(directory: Path, changed: Callable[[], None]) -> list[TaskSpool]:
    """What an earlier runner has left."""
    return [TaskSpool.reopen(path, changed) for path in sorted(private_directory(directory).iterdir())]
