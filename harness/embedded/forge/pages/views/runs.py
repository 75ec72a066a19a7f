"""Runs: the list, one with its jobs, steps and logs, and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from starlette.responses import Response, StreamingResponse

from harness.embedded.forge.access import Mode
from harness.embedded.forge.errors import ForgeError, not_found
from harness.embedded.forge.pages import respond, running, terminal, trunk
from harness.embedded.forge.pages.doors import WRITE, Doors
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.pages.views import shared
from harness.embedded.forge.services import jobs as jobs_service
from harness.embedded.forge.services import reports, run_states
from harness.embedded.forge.services import runs as run_service
from harness.embedded.forge.store import accounts, actions, browsing
from harness.embedded.forge.store.records import Job, Run, Step

doors = Doors()
_ALL = "/{owner}/{repo}/actions"
_ONE = f"{_ALL}/runs/{{run}}"
_JOB = f"{_ONE}/jobs/{{job}}"
MOST_LINES, MOST_CHARACTERS = 2000, 500_000  # of a step on the page; the whole log is one click away


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line with its number in the job's log (from 0)."""

    number: int
    html: Markup


@dataclass(frozen=True, slots=True)
class Section:
    """A step with its output; ``skipped`` lines are not shown."""

    step: Step
    lines: tuple[LogLine, ...] = ()
    skipped: int = 0


@doors.get(_ALL)
def every(page: Page) -> Response:
    """Runs of a repository, and the form that starts one."""
    keys, file, status = [page.repository.id], page.arg("workflow"), page.arg("status")
    found = browsing.runs(page.forge.db, keys, limit=shared.PER_PAGE, skip=shared.skip(page), file=file, status=status)
    total = browsing.count_runs(page.forge.db, keys, file=file, status=status)
    may = page.may(Mode.WRITE)
    values = {
        "file": file,
        "only": status,
        "files": browsing.run_files(page.forge.db, page.repository.id),
        "schedules": browsing.schedules(page.forge.db, keys),
        "startable": running.startable(page) if may else [],
        "branches": trunk.branch_names(page) if may else [],
    }
    return respond.show(page, "runs", tab="runs", runs=found, pager=shared.pager(page, total), **values)


def _run(page: Page) -> Run:
    found = actions.run(page.forge.db, page.number("run"))
    if found is None or found.repo_id != page.repository.id:
        raise not_found()
    return found


def _job(page: Page, run: Run) -> Job:
    found = actions.job(page.forge.db, page.number("job"))
    if found is None or found.run_id != run.id:
        raise not_found()
    return found


@doors.get(_ONE)
def run(page: Page) -> Response:
    """A run: its jobs, and the log of the one that matters most."""
    found = _run(page)
    jobs = actions.jobs(page.forge.db, found.id)
    return _show(page, found, jobs, _matters(jobs))


@doors.get(_JOB)
def job(page: Page) -> Response:
    """A run with the log of one job."""
    found = _run(page)
    return _show(page, found, actions.jobs(page.forge.db, found.id), _job(page, found))


def _matters(jobs: list[Job]) -> Job | None:
    """One that failed, else one that runs, else the first."""
    for wanted in ("failure", "running"):
        for one in jobs:
            if wanted in {one.conclusion, one.status}:
                return one
    return jobs[0] if jobs else None


def _show(page: Page, found: Run, jobs: list[Job], chosen: Job | None) -> Response:
    values: dict[str, Any] = {
        "run": found,
        "jobs": jobs,
        "chosen": chosen,
        "sections": _sections(page, chosen) if chosen else [],
        "lacking": jobs_service.lacking(page.forge, chosen) if chosen and chosen.status == "waiting" else [],
        "actor": accounts.by_id(page.forge.db, found.actor_id),
        "may": page.may(Mode.WRITE),
        "over": found.status == "completed",
        "reports": reports.of_run(page.forge, page.repository, found.id),
    }
    return respond.show(page, "run", tab="runs", **values)


def _sections(page: Page, one: Job) -> list[Section]:
    """The steps with the lines that each wrote; what came before the first belongs to it."""
    steps = actions.steps(page.forge.db, one.id)
    begun = [step for step in steps if step.started] or steps[:1]
    begun = begun or [Step(one.id, 0, "Log", one.status, one.conclusion, one.started, one.ended, 0)]
    starts = [step.first_line if at else 0 for at, step in enumerate(begun)]
    found = running.tails(page.forge, one, starts, MOST_LINES, MOST_CHARACTERS)
    told = {step.number: _section(step, tail) for step, tail in zip(begun, found, strict=True)}
    if not steps:
        return [section for section in told.values() if section.lines]
    return [told.get(step.number, Section(step)) for step in steps]


def _section(step: Step, tail: running.Tail) -> Section:
    lines = (LogLine(tail.first + at, terminal.line(text)) for at, text in enumerate(tail.lines))
    return Section(step, tuple(lines), tail.skipped)


@doors.get(f"{_JOB}/logs")
def log(page: Page) -> Response:
    """A job's whole log as text."""
    one = _job(page, _run(page))
    text = running.whole_log(page.forge, one)
    return respond.harmless(StreamingResponse(text, 200, {"content-type": "text/plain; charset=utf-8"}))


@doors.post(f"{_ONE}/cancel", WRITE)
def cancel(page: Page) -> Response:
    """Stop it."""
    found = _run(page)
    if found.status == "completed":
        raise ForgeError("It has ended already.", status=409)
    run_states.cancel_run(page.forge, found)
    return respond.done(page, "It is being cancelled.", _address(page, found))


@doors.post(f"{_ONE}/rerun", WRITE)
def rerun(page: Page) -> Response:
    """Run it again: all of it, or one job and those that need it."""
    found, only = _run(page), page.value("job")
    if found.status != "completed":
        raise ForgeError("It has not ended yet.", status=409)
    keys = [one.id for one in actions.jobs(page.forge.db, found.id)]
    if only and (not only.isdecimal() or int(only) not in keys):
        raise not_found()
    run_service.rerun(page.forge, found, int(only) if only else None)
    return respond.done(page, "It runs again.", _address(page, found))


@doors.post(f"{_ALL}/dispatch", WRITE)
def dispatch(page: Page) -> Response:
    """Start a workflow by hand."""
    file, ref = page.required("workflow", "The workflow"), page.required("ref", "The branch")
    inputs = {name.removeprefix("input-"): page.value(name) for name in page.form if name.startswith("input-")}
    started = run_service.dispatch(page.forge, page.repository, page.user, file, ref, inputs, page.base)
    return respond.done(page, f"{started.name or file} is started.", _address(page, started))


def _address(page: Page, found: Run) -> str:
    return f"/{page.repository.full_name}/actions/runs/{found.id}"
