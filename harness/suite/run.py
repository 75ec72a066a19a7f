"""One run, as every process of it sees it: the plan, the journal, and which containers take part."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from harness.lifecycle import journal
from harness.lifecycle.journal import Event, Journal
from harness.lifecycle.plan import Action, ContainerPlan, Plan
from harness.suite.names import Stage

PLAN_FILE = "plan.json"
_ALL = (Stage.PROVISION, Stage.BASE, Stage.CONVERGE, Stage.IDEMPOTENCE, Stage.RELEASE, Stage.END)
_STAGES = {
    Action.UNCHANGED: (),
    Action.REFUSED: (),
    Action.VERIFY: (Stage.RELEASE, Stage.END),
    Action.CONVERGE: _ALL[1:],
}


class Mode(StrEnum):
    """What the suite is run for."""

    DEPLOY = "deploy"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class Run:
    """A run and its directory. ``worker`` is the name of this process in the journal."""

    mode: Mode
    root: Path
    directory: Path
    plan: Plan
    worker: str
    since: datetime
    """When this session of pytest began: a run directory may have seen others before."""
    stage: str | None = None
    """Name of the staging configuration, if any."""

    @property
    def entries(self) -> tuple[ContainerPlan, ...]:
        """The containers that take part, in deployment order."""
        if self.mode is Mode.VERIFY:
            return tuple(entry for entry in self.plan.containers if entry.deployed_here)
        return self.plan.pending

    @property
    def log(self) -> Journal:
        """This run's journal, for writing."""
        return Journal(self.directory / journal.FILE_NAME, worker=self.worker)

    @property
    def needs(self) -> dict[str, tuple[str, ...]]:
        """What must end before what; nothing when only verifying."""
        if self.mode is Mode.VERIFY:
            return {}
        return {entry.name: entry.needs for entry in self.entries}

    def entry(self, container: str) -> ContainerPlan | None:
        """The container's part of the plan, None when it takes no part."""
        return next((entry for entry in self.entries if entry.name == container), None)

    def stages(self, container: str) -> tuple[Stage, ...]:
        """The stages that its plan entails, in order."""
        entry = self.entry(container)
        if entry is None or self.mode is Mode.VERIFY:
            return ()
        return _STAGES.get(entry.action, _ALL)

    def events(self) -> tuple[Event, ...]:
        """What has happened so far in this session, in all its processes."""
        events = journal.read(self.directory / journal.FILE_NAME)
        return tuple(event for event in events if event.time >= self.since)

    def passed(self, container: str, revision: str) -> frozenset[str]:
        """Items that hold for ``revision`` by this and all earlier runs."""
        return journal.passed(self.directory.parent, container, revision)
