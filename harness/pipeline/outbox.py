"""What is still to be told to the forge: kept until it has been heard, so that a forge that is away loses nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.forge.client import Forge
from harness.forge.errors import ForgeError, ForgeUnreachable
from harness.kit.clock import Deadline, wait_until
from harness.kit.errors import DeadlineError, HarnessError
from harness.kit.files import exclusive, private_directory, write_atomic

Say = Callable[[str], None]
Deliver = Callable[[Forge, dict[str, Any]], None]
FOLDER: Final = "outbox"
_GONE: Final = frozenset({404, 405, 410, 422})
"""Answers after which telling it again is of no use: what it is about is not there any more."""


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to tell. A later one with the same ``kind`` and ``subject`` replaces it."""

    kind: str
    subject: str
    values: dict[str, Any]

    @property
    def file(self) -> str:
        """The name that it is kept under."""
        return hashlib.sha256(f"{self.kind}\0{self.subject}".encode()).hexdigest()[:24] + ".json"


class Outbox:
    """Messages in a directory; ``deliver`` says how each kind is told."""

    def __init__(self, directory: Path, forge: Forge, deliver: Deliver, say: Say) -> None:
        self._directory = directory
        self._forge = forge
        self._deliver = deliver
        self._say = say
        self._refused = False

    def send(self, message: Message) -> bool:
        """Tell it now, or keep it; whether it has been heard."""
        path = private_directory(self._directory) / message.file
        record = {"kind": message.kind, "subject": message.subject, **message.values}
        write_atomic(path, json.dumps(record), mode=0o600)
        return self._try(path)

    def flush(self, deadline: Deadline) -> int:
        """Tell everything that is waiting, patiently; how many are waiting still."""
        if not self._directory.is_dir():
            return 0
        try:
            wait_until(self._settled, deadline, "the forge hears everything", longest_pause=2.0)
        except DeadlineError:
            left = len(list(self._waiting()))
            self._say(f"the forge does not answer: {left} messages wait in {self._directory} for the next run")
            return left
        return len(list(self._waiting()))

    def _settled(self) -> bool:
        """Whether waiting is of no more use: all was heard, or the forge has heard and does not want to."""
        self._refused = False
        return not self._attempt() or self._refused

    def _attempt(self) -> int:
        for path in self._waiting():
            if not self._try(path):
                break
        return len(list(self._waiting()))

    def _waiting(self) -> Iterator[Path]:
        paths = self._directory.glob("[!.]*.json")
        return iter(sorted(paths, key=lambda path: path.stat().st_mtime if path.exists() else 0))

    def _try(self, path: Path) -> bool:
        """Whether it needs no more telling. Two processes do not tell the same at once."""
        with exclusive(self._directory / ".lock"):
            try:
                record = json.loads(path.read_text())
            except FileNotFoundError:
                return True
            try:
                self._deliver(self._forge, record)
            except ForgeUnreachable:
                return False
            except HarnessError as error:
                if not (isinstance(error, ForgeError) and error.status in _GONE):
                    self._say(f"not told to the forge: {error.message}")
                    self._refused = True
                    return False
            path.unlink(missing_ok=True)
            return True
