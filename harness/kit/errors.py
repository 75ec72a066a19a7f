"""One root for every error that a person is meant to read, with the exit code it ends a command with."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import ClassVar


class ExitCode(IntEnum):
    """What a command's exit status means."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    CHANGES = 10
    INTERRUPTED = 130


class HarnessError(Exception):
    """Something went wrong in a way that one line can say.

    ``hint`` is what to type or change next; ``detail`` is longer evidence (a task log, a command's output) that a
    report may show and a terminal shows below the line.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str | None = None, detail: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail

    def __str__(self) -> str:
        return self.message


class UsageError(HarnessError):
    """The command or the configuration is wrong; nothing has been touched."""

    exit_code = ExitCode.USAGE


class UnreachableError(HarnessError):
    """A system outside (PVE, the Docker engine, a container's ssh) does not answer or does not let us in."""

    exit_code = ExitCode.UNREACHABLE


class DeadlineError(HarnessError):
    """A condition did not hold before its deadline."""


class NoSpaceError(HarnessError, OSError):
    """A file could not be written because its disk is full, or a quota is. Still an ``OSError`` to those who ask."""

    def __init__(self, cause: OSError) -> None:
        what = f"{cause.filename}: " if cause.filename else ""
        hint = "make room, then run the same command again: it goes on from where it stopped"
        HarnessError.__init__(self, f"{what}{cause.strerror}", hint=hint)
        self.errno = cause.errno

    @staticmethod
    def is_meant(error: BaseException) -> bool:
        """Whether the system said that there is no space."""
        return isinstance(error, OSError) and error.errno in _NO_SPACE


_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


class Severity(StrEnum):
    """Whether a problem stops the run."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the input: where, what was found, what is allowed, and what to type instead."""

    file: Path | None
    line: int | None
    found: str
    rule: str
    hint: str = ""
    severity: Severity = Severity.ERROR

    @property
    def place(self) -> str:
        """``file:line`` as far as known, or an empty string."""
        if self.file is None:
            return ""
        return f"{self.file}:{self.line}" if self.line else f"{self.file}"

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        hint = f" ({self.hint})" if self.hint else ""
        if "\n" in self.hint:  # an example of several lines stands below, not in brackets
            hint = "\n  " + self.hint.replace("\n", "\n  ")
        return f"{where}{self.found}: {self.rule}{hint}"


class ConfigurationError(UsageError):
    """Everything that is wrong with the configuration, all at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        super().__init__(f"the configuration has {count} problem{'s' if count != 1 else ''}; nothing was changed")
