"""What pytest's reports of one item say together: outcome, seconds, evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from harness.lifecycle.journal import Outcome

ATTRIBUTE = "gitops"
"""Name of our own data on a report; travels from worker to controller with it."""


@dataclass(frozen=True, slots=True)
class Result:
    """One item's end."""

    nodeid: str
    outcome: Outcome
    seconds: float
    evidence: dict[str, Any] = field(default_factory=dict)


class Gathering:
    """Puts setup, call and teardown of each item together."""

    def __init__(self) -> None:
        self._open: dict[str, list[pytest.TestReport]] = {}

    def add(self, report: pytest.TestReport) -> Result | None:
        """Take in one report; the result when it was the item's last."""
        phases = self._open.setdefault(report.nodeid, [])
        phases.append(report)
        if report.when in ("setup", "call"):
            return None
        del self._open[report.nodeid]  # teardown, or the report that stands for a worker's crash
        return summed(phases)


def summed(phases: Sequence[pytest.TestReport]) -> Result:
    """The result that the phases of one item make together."""
    evidence: dict[str, Any] = {}
    for phase in phases:
        evidence |= getattr(phase, ATTRIBUTE, {})
    total = sum(getattr(phase, "duration", 0.0) for phase in phases)
    return Result(phases[0].nodeid, _outcome(phases, evidence), total, evidence)


def _outcome(phases: Sequence[pytest.TestReport], evidence: dict[str, Any]) -> Outcome:
    if any(phase.failed for phase in phases):
        return Outcome.FAILED
    skipped = [phase for phase in phases if phase.skipped]
    if not skipped:
        return Outcome.PASSED
    if not evidence.get("held_back"):
        evidence["own_choice"] = True
    return Outcome.SKIPPED
