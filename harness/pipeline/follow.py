"""Follows a workflow's run from outside: finds it, hands on its log while it grows, waits for its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from harness.forge import actions
from harness.forge.client import Forge
from harness.forge.model import Run
from harness.kit.clock import Deadline, wait_until

_START_SECONDS: Final = 60.0
_RUN_SECONDS: Final = 4 * 3600.0
_PAUSE: Final = 0.4


def newest(forge: Forge, slug: str, workflow: str) -> int:
    """The number of the newest run of ``workflow`` (its file's name); 0 when it never ran."""
    return max((run.id for run in actions.runs(forge, slug) if run.workflow == workflow), default=0)


def started(forge: Forge, slug: str, workflow: str, *, after: int) -> Run:
    """The run of ``workflow`` that came after the one called ``after``; raises ``DeadlineError`` when none comes."""

    def probe() -> Run | None:
        later = [run for run in actions.runs(forge, slug) if run.workflow == workflow and run.id > after]
        return min(later, key=lambda run: run.id, default=None)

    return wait_until(probe, Deadline(_START_SECONDS, forge.clock), f"{slug}: a run of {workflow}")


def follow(forge: Forge, slug: str, run: Run, on_line: Callable[[str], None]) -> Run:
    """Hand on every line of the run's jobs until it has ended; the run as it is then."""
    logs = _Logs(forge, slug, run.id, on_line)

    def probe() -> Run | None:
        found = actions.get(forge, slug, run.id)  # before the logs: what comes with its end is still read
        logs.read()
        return found if found.done else None

    deadline = Deadline(_RUN_SECONDS, forge.clock)
    return wait_until(probe, deadline, f"{slug}: run {run.number} ends", first_pause=_PAUSE, longest_pause=_PAUSE)


@dataclass(slots=True)
class _Logs:
    """What was handed on of each job's log already, in whole lines."""

    forge: Forge
    slug: str
    run: int
    on_line: Callable[[str], None]
    seen: dict[int, int] = field(default_factory=dict)

    def read(self) -> None:
        for job in actions.jobs(self.forge, self.slug, self.run):
            lines = actions.log(self.forge, self.slug, job.id).split("\n")[:-1]
            for line in lines[self.seen.get(job.id, 0) :]:
                self.on_line(line)
            self.seen[job.id] = len(lines)
