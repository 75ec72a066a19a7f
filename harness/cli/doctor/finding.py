"""The outcome of one check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """``note``: works, but worth knowing; only ``problem`` ends a command."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's table: what was looked at, how it is, what was found, what to type."""

    subject: str
    state: State
    found: str
    remedy: str = ""

    @property
    def row(self) -> tuple[str, str, str, str]:
        """As the table shows it."""
        return (self.subject, self.state.value, self.found, self.remedy)


def ok(subject: str, found: str) -> Finding:
    """All is well."""
    return Finding(subject, State.OK, found)


def note(subject: str, found: str, remedy: str = "") -> Finding:
    """It works, and the user may want to know."""
    return Finding(subject, State.NOTE, found, remedy)


def problem(subject: str, found: str, remedy: str) -> Finding:
    """It will not work until ``remedy`` is done."""
    return Finding(subject, State.PROBLEM, found, remedy)
