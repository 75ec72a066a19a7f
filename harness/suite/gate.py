"""May this item run? Decided where it would run, from the journal of the run, so that it holds across workers."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from harness.kit.errors import HarnessError
from harness.lifecycle.journal import Event, Kind, Outcome
from harness.suite import names
from harness.suite.names import Stage
from harness.suite.order import Selection
from harness.suite.run import Mode
from harness.suite.session import Session

HELD_BACK = pytest.StashKey[bool]()
"""On an item that the gate skipped: no choice of the spec's own."""

_CHECKED = (Stage.PROVISION, Stage.BASE, Stage.CONVERGE)
"""Stages that later items build on; *idempotence* proves something and leaves nothing behind."""


class PredecessorError(HarnessError):
    """An item was selected without one that it builds on, and what that one makes is not there."""


class Gate:
    """Skips what a failure has made pointless, and checks what a deselected item would have made."""

    def __init__(self, session: Session, selection: Selection) -> None:
        self._session = session
        self._run = session.run
        self._selection = selection
        self._blocked: dict[str, str | None] = {}
        self._checked: set[tuple[str, Stage]] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip, fail, or let pass."""
        container = names.container_of(item.nodeid)
        if container is None or self._run.entry(container) is None or self._run.mode is Mode.VERIFY:
            return
        reason = self._group_blocked(container) or self._release_blocked(container, names.stage_of(item.nodeid))
        if reason:
            item.stash[HELD_BACK] = True
            pytest.skip(reason)
        self._require_predecessors(container, item.nodeid)

    def failed(self, nodeid: str) -> None:
        """An item of this process failed; the rest of its group is pointless when it was a stage."""
        container = names.container_of(nodeid)
        if container and names.stage_of(nodeid):
            self._blocked[container] = f"{container}: {names.item_of(nodeid)} failed"

    def _group_blocked(self, container: str) -> str | None:
        if container not in self._blocked:
            events = self._run.events()
            own = stage_failure(events, container)
            self._blocked[container] = own or self._needs_blocked(container, events)
        return self._blocked[container]

    def _needs_blocked(self, container: str, events: Iterable[Event]) -> str | None:
        entry = self._run.entry(container)
        events = tuple(events)
        for need in entry.needs if entry else ():
            reason = self._need_missing(need, events)
            if reason:
                return f"{need} did not get verified, which {container} needs ({reason})"
        return None

    def _need_missing(self, need: str, events: tuple[Event, ...]) -> str | None:
        if need in {refused.name for refused in self._run.plan.refused}:
            return "it was refused"
        if self._run.entry(need) is None:
            return None
        if not self._selection.selected(need):
            return self._not_there(need)
        unseen = self._selection.unseen_specs(need)
        return first_failure(events, need) or (f"{unseen[0]} was not collected" if unseen else None)

    def _not_there(self, container: str) -> str | None:
        for stage in _CHECKED:
            missing = stage in self._run.stages(container) and self._session.stages.holds(container, stage)
            if missing:
                return f"{stage} was deselected and does not hold: {missing}"
        return None

    def _release_blocked(self, container: str, stage: Stage | None) -> str | None:
        if stage is not Stage.RELEASE:
            return None
        unseen = self._selection.unseen_specs(container)
        if unseen:
            return f"{container}: not released, {unseen[0]} was not collected"
        if self._selection.narrowed(container):
            return f"{container}: not released, only some of its items were asked for"
        missing = self._unproven(container)
        return f"{container}: not released, {missing[0]} has not passed" if missing else None

    def _unproven(self, container: str) -> list[str]:
        entry = self._run.entry(container)
        wanted = self._selection.collected(container) - {Stage.RELEASE, Stage.END}
        held = self._run.passed(container, entry.revision if entry else "")
        return sorted(wanted - held, key=names.place_of)

    def _require_predecessors(self, container: str, nodeid: str) -> None:
        for stage in self._run.stages(container):
            if stage not in _CHECKED or names.position(nodeid) <= names.position(f"{names.CONFIG_FILE}::{stage}"):
                continue
            self._require(container, stage)

    def _require(self, container: str, stage: Stage) -> None:
        if stage in self._selection.selected(container) or (container, stage) in self._checked:
            return
        missing = self._session.stages.holds(container, stage)
        if missing:
            raise PredecessorError(
                f"{container}: {stage} was deselected and does not hold: {missing}",
                hint=f"select it too, or deploy the whole container: ./run deploy -- {container}",
            )
        self._checked.add((container, stage))


def stage_failure(events: Iterable[Event], container: str) -> str | None:
    """The stage of ``container`` that failed in this run, in words."""
    for event in events:
        if _is_failure(event, container) and names.step_of(event.item) != names.SPECS:
            return f"{container}: {event.item} failed"
    return None


def first_failure(events: Iterable[Event], container: str) -> str | None:
    """Why ``container`` is not verified by this run, in words; None when nothing speaks against it."""
    for event in events:
        if _is_failure(event, container):
            return f"{event.item} failed"
        if event.container == container and event.evidence.get("held_back"):
            return str(event.evidence.get("error", f"{event.item} was skipped"))
    return None


def _is_failure(event: Event, container: str) -> bool:
    return event.container == container and event.kind is Kind.END and event.outcome is Outcome.FAILED
