"""Tasks: what runs by the clock or by hand for the whole, with its last result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.embedded.forge.access import Mode
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.store import browsing
from harness.embedded.forge.store.browsing import RunLine, Schedule
from harness.embedded.forge.store.records import Repository

OWNER = "tasks"
"""The organisation whose repositories hold one task each, in the workflow that is called like the repository."""


@dataclass(frozen=True, slots=True)
class Task:
    """A task, how it ended last, when it is due next, and whether the viewer may start it."""

    repository: Repository
    last: RunLine | None
    next: Schedule | None
    may: bool

    @property
    def workflow(self) -> str:
        """The file that starting it by hand names."""
        return f"{self.repository.name}.yml"


def of(page: Page, known: Sequence[Repository], newest: Mapping[int, RunLine]) -> list[Task]:
    """Those among the repositories that the viewer sees; ``newest`` has the last run of each."""
    found = [one for one in known if one.owner_name == OWNER and not one.archived and not one.empty]
    due: dict[int, Schedule] = {}
    for one in browsing.schedules(page.forge.db, [one.id for one in found]):
        due.setdefault(one.repo_id, one)
    return [Task(one, newest.get(one.id), due.get(one.id), _may(page, one)) for one in found]


def _may(page: Page, repository: Repository) -> bool:
    return page.session is not None and page.view.mode(repository) >= Mode.WRITE
