"""The state of a run for the eye: one row a container, one cell a step. Pure; time comes as an argument."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.lifecycle.journal import Outcome
from harness.suite import names
from harness.suite.names import SPECS, Stage
from harness.suite.reports import Result
from harness.suite.run import Run


@dataclass(slots=True)
class Cell:
    """One step of one container; *specs* sums up many items."""

    started: float | None = None
    """When its running item began (monotonic seconds); None: nothing of it runs."""
    seconds: float = 0.0
    changed: int = 0
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def touched(self) -> bool:
        """Whether any of it has ended."""
        return bool(self.passed or self.failed or self.skipped)

    @property
    def outcome(self) -> Outcome | None:
        """Failed when one failed, skipped when all were; None before the first end."""
        if not self.touched:
            return None
        if self.failed:
            return Outcome.FAILED
        return Outcome.PASSED if self.passed else Outcome.SKIPPED

    def elapsed(self, now: float) -> float:
        """Seconds so far, the running item's included."""
        return self.seconds + (now - self.started if self.started is not None else 0.0)

    def take(self, result: Result) -> None:
        """Add one item's end."""
        self.started = None
        self.seconds += result.seconds
        self.changed += len(result.evidence.get("changed", ()))
        self.passed += result.outcome is Outcome.PASSED
        self.failed += result.outcome is Outcome.FAILED
        self.skipped += result.outcome is Outcome.SKIPPED


@dataclass(slots=True)
class Row:
    """One container."""

    name: str
    address: str
    action: str
    cells: dict[str, Cell]
    reason: str = ""
    """The first thing that went wrong with it, in words."""
    started: float | None = None
    finished: float | None = None

    @property
    def outcome(self) -> Outcome | None:
        """None while nothing of it has ended; failed before skipped before passed."""
        found = {cell.outcome for cell in self.cells.values()} - {None}
        order = (Outcome.FAILED, Outcome.SKIPPED, Outcome.PASSED)
        return next((outcome for outcome in order if outcome in found), None)

    def elapsed(self, now: float) -> float:
        """Seconds from its first item's start to its last end, or until ``now``."""
        if self.started is None:
            return 0.0
        running = any(cell.started is not None for cell in self.cells.values())
        end = now if running or self.finished is None else self.finished
        return end - self.started


@dataclass(slots=True)
class Board:
    """All containers of a run."""

    rows: dict[str, Row] = field(default_factory=dict)
    over: bool = False
    """Whether the run has ended: what has not begun will not."""

    @classmethod
    def of(cls, run: Run) -> Board:
        """An empty board with the rows and cells that the plan has."""
        board = cls()
        for entry in run.entries:
            stages = [stage for stage in run.stages(entry.name) if stage is not Stage.END]
            before = [stage.value for stage in stages if stage is not Stage.RELEASE]
            after = [stage.value for stage in stages if stage is Stage.RELEASE]
            cells = {step: Cell() for step in (*before, SPECS, *after)}
            board.rows[entry.name] = Row(entry.name, entry.address, entry.action.value, cells)
        return board

    @property
    def steps(self) -> tuple[str, ...]:
        """Every step that some container has, in order."""
        order = [*(stage.value for stage in Stage if stage not in (Stage.RELEASE, Stage.END)), SPECS, Stage.RELEASE]
        return tuple(str(step) for step in order if any(step in row.cells for row in self.rows.values()))

    def start(self, nodeid: str, now: float) -> None:
        """An item begins."""
        row = self.rows.get(names.container_of(nodeid) or "")
        step = names.step_of(names.item_of(nodeid)) if row else ""
        if row and step in row.cells:
            row.cells[step].started = now
            row.started = now if row.started is None else row.started

    def finish(self, result: Result, now: float) -> None:
        """An item has ended."""
        row = self.rows.get(names.container_of(result.nodeid) or "")
        step = names.step_of(names.item_of(result.nodeid)) if row else ""
        if not row or step not in row.cells:
            return
        row.cells[step].take(result)
        row.finished = now
        if not row.reason and result.outcome is not Outcome.PASSED and not result.evidence.get("own_choice"):
            row.reason = str(result.evidence.get("error", ""))
