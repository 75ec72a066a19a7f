"""What happened to each container in a run, told from its plan and its journal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from harness.lifecycle.journal import Event, Kind, Outcome
from harness.lifecycle.plan import Action, ContainerPlan, Plan

SPECS = "specs"
STEPS = ("provision", "base", "converge", "idempotence", SPECS, "release")


class Verdict(StrEnum):
    """How a run, a container or an item came out."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNFINISHED = "unfinished"
    """Begun and never ended: the run was killed, or still runs."""
    REFUSED = "refused"
    """Not ours, so left alone: the repository wants something else than what stands there."""
    UNTOUCHED = "untouched"


_WORST_FIRST = (Verdict.FAILED, Verdict.UNFINISHED, Verdict.REFUSED, Verdict.SKIPPED, Verdict.PASSED)


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that a stage looked after: a cookbook's resource, a step of the base role."""

    name: str
    changed: bool
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Item:
    """A stage or a spec."""

    name: str
    step: str
    verdict: Verdict
    started: datetime
    ended: datetime
    seconds: float
    worker: str
    evidence: Mapping[str, Any]

    @property
    def label(self) -> str:
        """A spec's function without its file."""
        return self.name.rsplit("::", 1)[-1]

    @property
    def sentence(self) -> str:
        """A spec's name as words: ``refuses anonymous [1883]``."""
        function, bracket, parameters = self.label.partition("[")
        return f"{function.removeprefix('test_').replace('_', ' ')} {bracket}{parameters}".strip()

    @property
    def file(self) -> str:
        """A spec's file, empty for a stage."""
        return self.name.split("::", 1)[0] if self.step == SPECS else ""

    @property
    def changed(self) -> tuple[str, ...]:
        """Names of what it changed."""
        return tuple(map(str, self.evidence.get("changed", ())))

    @property
    def error(self) -> str:
        """Why it did not pass, one or a few lines."""
        return str(self.evidence.get("error", ""))

    @property
    def hint(self) -> str:
        """What to do about it."""
        return str(self.evidence.get("hint", ""))

    @property
    def log(self) -> str:
        """The tail of its output."""
        return str(self.evidence.get("log", ""))

    @property
    def held_back(self) -> bool:
        """Skipped because of something before it."""
        return bool(self.evidence.get("held_back"))

    @property
    def resources(self) -> tuple[Resource, ...]:
        """What it looked after, changed or not, as far as it says."""
        facts = self._facts()
        listed: list[Any] = next((facts[key] for key in ("resources", "steps") if isinstance(facts.get(key), list)), [])
        return tuple(_resource(entry) for entry in listed if isinstance(entry, Mapping))

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """Single values that it brought back; what is false or empty is left out."""
        known = self._facts().items()
        return tuple((key, "yes" if value is True else str(value)) for key, value in known if _is_single(value))

    def _facts(self) -> Mapping[str, Any]:
        facts = self.evidence.get("facts", {})
        return facts if isinstance(facts, Mapping) else {}


@dataclass(frozen=True, slots=True)
class ContainerStory:
    """One container: what was planned and what came of it."""

    plan: ContainerPlan
    items: tuple[Item, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of its items."""
        if not self.items and self.plan.action is Action.REFUSED:
            return Verdict.REFUSED
        return worst(item.verdict for item in self.items)

    @property
    def stages(self) -> tuple[Item, ...]:
        """Items that are no specs."""
        return tuple(item for item in self.items if item.step != SPECS)

    @property
    def specs(self) -> tuple[Item, ...]:
        """Its specs, in the order in which they ran."""
        return tuple(item for item in self.items if item.step == SPECS)

    @property
    def passed_specs(self) -> int:
        """How many of them passed."""
        return sum(item.verdict is Verdict.PASSED for item in self.specs)

    @property
    def seconds(self) -> float:
        """From its first start to its last end."""
        if not self.items:
            return 0.0
        return (max(item.ended for item in self.items) - min(item.started for item in self.items)).total_seconds()

    @property
    def trouble(self) -> Item | None:
        """The first item that stood in the way."""
        bad = (item for item in self.items if item.verdict in (Verdict.FAILED, Verdict.UNFINISHED))
        held = (item for item in self.items if item.held_back)
        return next(bad, None) or next(held, None)


@dataclass(frozen=True, slots=True)
class RunStory:
    """The whole run."""

    run: str
    plan: Plan
    containers: tuple[ContainerStory, ...]
    started: datetime | None
    ended: datetime | None

    @property
    def verdict(self) -> Verdict:
        """The worst of its containers."""
        return worst(story.verdict for story in self.containers)

    @property
    def told(self) -> tuple[ContainerStory, ...]:
        """Containers of which there is something to tell."""
        return tuple(story for story in self.containers if story.items)

    @property
    def seconds(self) -> float:
        """Wall time of the run."""
        if self.started is None or self.ended is None:
            return 0.0
        return (self.ended - self.started).total_seconds()


def tell(run: str, plan: Plan, events: Sequence[Event]) -> RunStory:
    """Put plan and journal together."""
    stories = [
        ContainerStory(entry, _items([event for event in events if event.container == entry.name]))
        for entry in plan.containers
    ]
    times = [event.time for event in events]
    return RunStory(run, plan, tuple(stories), min(times, default=None), max(times, default=None))


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of some; untouched when there are none."""
    found = set(verdicts)
    return next((verdict for verdict in _WORST_FIRST if verdict in found), Verdict.UNTOUCHED)


def step_of(item: str) -> str:
    """The step that an item is part of."""
    return item if item in STEPS else SPECS


def _items(events: Sequence[Event]) -> tuple[Item, ...]:
    starts = {event.item: event for event in events if event.kind is Kind.START}
    ends = {event.item: event for event in events if event.kind is Kind.END}
    last = max((event.time for event in events), default=None)
    order = dict.fromkeys(event.item for event in events)
    return tuple(_item(name, starts.get(name), ends.get(name), last) for name in order)


def _item(name: str, start: Event | None, end: Event | None, last: datetime | None) -> Item:
    known = end or start
    assert known is not None
    began = (start or known).time
    over = end.time if end else last or began
    verdict = Verdict(end.outcome.value) if end and end.outcome else Verdict.UNFINISHED
    if end and end.outcome is Outcome.SKIPPED and end.evidence.get("held_back"):
        began = over  # nothing was done
    seconds = end.seconds if end else (over - began).total_seconds()
    return Item(name, step_of(name), verdict, began, over, seconds, known.worker, known.evidence)


def _is_single(value: object) -> bool:
    return isinstance(value, (str, int)) and value is not False and value != ""


def _resource(entry: Mapping[str, Any]) -> Resource:
    taken = entry.get("seconds")
    seconds = float(taken) if isinstance(taken, (int, float)) else None
    return Resource(str(entry.get("name", "")), bool(entry.get("changed")), seconds)
