"""The journal of runs: one JSON line an event, fsynced, so that a killed run leaves behind what it had reached.

A run's journal is ``runs/<run id>/journal.jsonl``; all workers of a run append to it. The last line may be torn by a
crash: reading passes over it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from harness.kit import files
from harness.kit.clock import Clock, SystemClock
from harness.kit.secret import redact

FILE_NAME = "journal.jsonl"
STAGES = ("provision", "base", "converge", "idempotence")
"""The stages that come before a container's specs, in their order."""


class Kind(StrEnum):
    """What a line says happened."""

    START = "start"
    END = "end"


class Outcome(StrEnum):
    """How an item ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a journal."""

    kind: Kind
    run: str
    worker: str
    container: str
    item: str
    """Stage name (``converge``) or spec (``specs/test_broker.py::test_refuses_anonymous``)."""
    revision: str
    time: datetime
    outcome: Outcome | None = None
    seconds: float = 0.0
    evidence: Mapping[str, Any] = field(default_factory=dict)


class Journal:
    """Appends events of one run; several processes may share the file."""

    def __init__(self, path: Path, *, worker: str = "main", clock: Clock | None = None) -> None:
        self.path = path
        self.run = path.parent.name
        self._worker = worker
        self._clock: Clock = clock or SystemClock()

    def start(self, container: str, item: str, revision: str) -> None:
        """Say that ``item`` begins."""
        self._append(Event(Kind.START, self.run, self._worker, container, item, revision, self._clock.now()))

    def end(
        self,
        container: str,
        item: str,
        revision: str,
        outcome: Outcome,
        *,
        seconds: float = 0.0,
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        """Say how ``item`` ended; known secrets in ``evidence`` are masked on the way."""
        self._append(
            Event(
                Kind.END,
                self.run,
                self._worker,
                container,
                item,
                revision,
                self._clock.now(),
                outcome,
                round(seconds, 3),
                clean(evidence or {}),
            )
        )

    def _append(self, event: Event) -> None:
        files.append_durably(self.path, json.dumps(_to_json(event), ensure_ascii=False))


def clean(value: Any) -> Any:
    """``value`` as plain JSON data with every known secret masked."""
    if isinstance(value, Mapping):
        return {redact(str(key)): clean(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [clean(entry) for entry in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return redact(str(value))


def read(path: Path) -> tuple[Event, ...]:
    """The events of a journal, oldest first; lines torn by a crash are passed over, a missing file is empty."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return ()
    return tuple(event for event in map(_parse, lines) if event is not None)


def passed(runs: Path, container: str, revision: str) -> frozenset[str]:
    """Items of ``container`` whose newest result for ``revision``, over all runs below ``runs``, is a pass.

    A stage that starts again takes back what was found after it: specs that passed before the container was
    converged once more say nothing about it now. That holds whatever the revision, because it is one container.
    """
    holding: set[str] = set()
    for event in _by_time(runs, container):
        if event.kind is Kind.START:
            holding -= {item for item in holding if _comes_after(item, event.item)}
            holding.discard(event.item)
        elif not counts_as_pass(event):
            holding.discard(event.item)
        elif event.revision == revision:
            holding.add(event.item)
    return frozenset(holding)


def counts_as_pass(event: Event) -> bool:
    """Whether an end is no obstacle: passed, or a spec that skipped itself (not one that was held back)."""
    if event.outcome is Outcome.SKIPPED:
        return bool(event.evidence.get("own_choice"))
    return event.outcome is Outcome.PASSED


def _by_time(runs: Path, container: str) -> Iterable[Event]:
    events = (event for path in runs.glob(f"*/{FILE_NAME}") for event in read(path))
    return sorted((event for event in events if event.container == container), key=lambda event: event.time)


def _comes_after(item: str, stage: str) -> bool:
    if stage not in STAGES[:-1]:  # a second converge changes nothing, so specs stand
        return False
    return item not in STAGES or STAGES.index(item) > STAGES.index(stage)


def _to_json(event: Event) -> dict[str, Any]:
    line: dict[str, Any] = {
        "event": event.kind.value,
        "time": event.time.isoformat(),
        "run": event.run,
        "worker": event.worker,
        "container": event.container,
        "item": event.item,
        "revision": event.revision,
    }
    if event.kind is Kind.END:
        assert event.outcome is not None
        line |= {"outcome": event.outcome.value, "seconds": event.seconds, "evidence": event.evidence}
    return line


def _parse(line: bytes) -> Event | None:
    try:
        data = json.loads(line)
        return Event(
            kind=Kind(data["event"]),
            run=data["run"],
            worker=data["worker"],
            container=data["container"],
            item=data["item"],
            revision=data["revision"],
            time=datetime.fromisoformat(data["time"]).astimezone(UTC),
            outcome=Outcome(data["outcome"]) if "outcome" in data else None,
            seconds=float(data.get("seconds", 0.0)),
            evidence=data.get("evidence") or {},
        )
    except (ValueError, KeyError, TypeError):
        return None
