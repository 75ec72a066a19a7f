"""The door of the pages to workflow runs: what can be started, what was logged."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from harness.embedded.forge.forge import Forge
from harness.embedded.forge.pages import terminal
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.services import job_logs, workflow_files
from harness.embedded.forge.store.records import Job
from harness.embedded.forge.workflows import parse
from harness.embedded.forge.workflows.errors import WorkflowError
from harness.embedded.forge.workflows.model import Input


@dataclass(frozen=True, slots=True)
class Startable:
    """A workflow of the default branch that can be started by hand."""

    file: str
    name: str
    inputs: Mapping[str, Input]


def startable(page: Page) -> list[Startable]:
    """Those that name ``workflow_dispatch``; a file that is not understood shows in a run, not here."""
    sha = page.git.branch(page.repository.default_branch)
    key = ("startable", page.repository.id, sha)
    found: list[Startable] = page.desk.lists.value(key, lambda: _read(page)) if sha else []
    return [one for one in found if not workflow_files.is_off(page.forge, page.repository, one.file)]


def _read(page: Page) -> list[Startable]:
    found = (_one(source) for source in workflow_files.of_default_branch(page.forge, page.repository))
    return [one for one in found if one]


def _one(source: workflow_files.Source) -> Startable | None:
    try:
        workflow = parse.read(source.path, source.text)
    except WorkflowError:
        return None
    if "workflow_dispatch" not in workflow.triggers.events:
        return None
    return Startable(source.name, workflow.name or source.name, workflow.triggers.inputs)


class Tail:
    """The end of a part of a log: its last lines without their times, bounded in number and in characters."""

    def __init__(self, start: int, most: int, most_characters: int) -> None:
        self._start, self._most, self._most_characters = start, most, most_characters
        self._characters = 0
        self.lines: deque[str] = deque()
        self.skipped = 0
        """How many lines of the part come before them."""

    @property
    def first(self) -> int:
        """The number of the first of them in the log."""
        return self._start + self.skipped

    def add(self, line: str) -> None:
        """The next line, with its time."""
        self.lines.append(line.partition(" ")[2])
        self._characters += len(self.lines[-1])
        while len(self.lines) > self._most or (self._characters > self._most_characters and len(self.lines) > 1):
            self._characters -= len(self.lines.popleft())
            self.skipped += 1


def tails(forge: Forge, job: Job, starts: Sequence[int], most: int, most_characters: int) -> list[Tail]:
    """The end of each part of a job's log. A part begins at its line of ``starts`` and ends at the next."""
    found, at = [Tail(start, most, most_characters) for start in starts], 0
    for number, line in enumerate(job_logs.stream(forge, job.id)):
        while at + 1 < len(starts) and number >= starts[at + 1]:
            at += 1
        found[at].add(line)
    return found


def whole_log(forge: Forge, job: Job) -> Iterator[str]:
    """The log of a job as text, each line with its time."""
    return (f"{line}\n" for line in map(_shorter, job_logs.stream(forge, job.id)))


def _shorter(line: str) -> str:
    """With the time to the millisecond."""
    when, _, text = line.partition(" ")
    try:
        return f"{terminal.stamp(datetime.fromisoformat(when).timestamp())} {text}"
    except ValueError:
        return line
