"""The door of the pages to workflow runs: what can be started, what was logged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from harness.embedded.forge.forge import Forge
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


def log_lines(forge: Forge, job: Job) -> list[tuple[float, str]]:
    """The log of a job: seconds since the epoch and text of each line."""
    return [_split(line) for line in job_logs.read(forge, job.id)]


def _split(line: str) -> tuple[float, str]:
    when, _, text = line.partition(" ")
    try:
        return datetime.fromisoformat(when).timestamp(), text
    except ValueError:
        return 0.0, line
