"""The timeline of a run: one bar a stage and container, in percent of the run's length. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from harness.lifecycle.report import words
from harness.lifecycle.report.story import STEPS, ContainerStory, Item, RunStory, Verdict, worst

_NICE_SECONDS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
_MOST_TICKS = 8
_THINNEST = 0.4  # percent; a bar that took no time is still seen


@dataclass(frozen=True, slots=True)
class Bar:
    """One step of one container; ``left`` and ``width`` in percent."""

    step: str
    verdict: Verdict
    left: float
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One container's bars; ``note`` says why there are none, or why they end."""

    name: str
    verdict: Verdict
    bars: tuple[Bar, ...]
    seconds: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the time axis."""

    left: float
    label: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """What the page draws."""

    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    steps: tuple[str, ...]
    """Those that occur, for the legend."""


def draw(story: RunStory) -> Timeline:
    """Lanes in the order in which containers began."""
    told = [container for container in story.told if story.started]
    told.sort(key=lambda container: min(item.started for item in container.items))
    scale = _Scale(story.started or datetime.min, max(story.seconds, 0.001))
    lanes = tuple(_lane(container, scale) for container in told)
    used = {bar.step for lane in lanes for bar in lane.bars}
    return Timeline(lanes, ticks(story.seconds), tuple(step for step in STEPS if step in used))


def ticks(length: float) -> tuple[Tick, ...]:
    """Marks at round times, ``length`` in seconds."""
    if length <= 0:
        return ()
    step = next((nice for nice in _NICE_SECONDS if length / nice <= _MOST_TICKS), _NICE_SECONDS[-1])
    marks = [number * step for number in range(int(length / step) + 1)]
    return tuple(Tick(round(100 * mark / length, 3), _clock(mark, step)) for mark in marks)


@dataclass(frozen=True, slots=True)
class _Scale:
    zero: datetime
    length: float

    def at(self, moment: datetime) -> float:
        return round(100 * (moment - self.zero).total_seconds() / self.length, 3)


def _lane(container: ContainerStory, scale: _Scale) -> Lane:
    done = [item for item in container.items if not item.held_back]
    steps = [[item for item in done if item.step == step] for step in STEPS]
    bars = tuple(_bar(items, scale) for items in steps if items)
    trouble = container.trouble
    note = trouble.error.split("\n", 1)[0] if trouble and not bars else ""
    return Lane(container.plan.name, container.verdict, bars, container.seconds, note)


def _bar(items: Sequence[Item], scale: _Scale) -> Bar:
    step = items[0].step
    left = scale.at(min(item.started for item in items))
    right = scale.at(max(item.ended for item in items))
    verdict = worst(item.verdict for item in items)
    width = max(right - left, _THINNEST)
    length = (max(item.ended for item in items) - min(item.started for item in items)).total_seconds()
    parts = [step, verdict.value, words.seconds(length)]
    if len(items) > 1:
        parts.insert(1, f"{sum(item.verdict is Verdict.PASSED for item in items)} of {len(items)}")
    return Bar(step, verdict, min(left, 100 - width), width, ", ".join(parts))


def _clock(mark: float, step: float) -> str:
    if step < 1:
        return f"{mark:.1f} s"
    minutes, rest = divmod(round(mark), 60)
    return f"{minutes}:{rest:02d}" if step >= 60 or minutes else f"{rest} s"
