"""How jobs and runs go from state to state, and the commit statuses that say so."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from harness.embedded.forge import clock
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.services import contexts, job_logs, statuses
from harness.embedded.forge.store import actions, repositories
from harness.embedded.forge.store.records import Job, Run
from harness.embedded.forge.workflows import expressions
from harness.embedded.forge.workflows.expressions import State

_BAD = frozenset({"failure", "cancelled"})
_STATUS_EVENTS = {"push": "push", "pull_request": "pull_request", "pull_request_target": "pull_request_target"}


def begin(forge: Forge, run: Run) -> None:
    """Say of every job that it waits; skip those whose condition does not hold, cancel what they replace."""
    for job in actions.jobs(forge.db, run.id):
        _cancel_replaced(forge, run, job)
        tell(forge, job.id)
    advance(forge, run.id)


def _cancel_replaced(forge: Forge, run: Run, job: Job) -> None:
    for group, cancels in contexts.groups(forge, run, job):
        if not cancels:
            continue
        for other in [*actions.jobs_with_status(forge.db, "running"), *actions.jobs_with_status(forge.db, "waiting")]:
            other_run = actions.run(forge.db, other.run_id)
            if other.repo_id != run.repo_id or other.run_id >= run.id or other_run is None:
                continue
            if group in [name for name, _ in contexts.groups(forge, other_run, other)]:
                cancel_job(forge, other)


def advance(forge: Forge, run_id: int) -> None:
    """Let the jobs go on whose needs have ended; skip those whose condition does not hold."""
    run = actions.run(forge.db, run_id)
    if run is None:
        return
    moved = True
    while moved:
        moved = False
        jobs = actions.jobs(forge.db, run_id)
        for job in jobs:
            moved = _advance(forge, run, job, jobs) or moved
    settle_run(forge, run_id)
    forge.jobs.ring()


def _advance(forge: Forge, run: Run, job: Job, jobs: Sequence[Job]) -> bool:
    """Whether the job changed its state."""
    needed = [other for other in jobs if other.key in json.loads(job.needs)]
    fresh = job.status == "waiting" and not needed and not job.attempt
    if job.status != "blocked" and not fresh:
        return False
    if any(other.status != "completed" for other in needed):
        return False
    state = State(failed=any(other.conclusion != "success" for other in needed))
    condition = json.loads(job.spec).get("condition", "")
    if not expressions.holds(condition, contexts.for_condition(forge, run, job, needed, state)):
        _end(forge, job, "skipped")
        return True
    if job.status == "blocked":
        forge.db.update("job", job.id, status="waiting")
        tell(forge, job.id)
        return True
    return False


def _end(forge: Forge, job: Job, conclusion: str) -> None:
    forge.db.update("job", job.id, status="completed", conclusion=conclusion, ended=clock.now())
    sql = "UPDATE step SET status = 'completed', conclusion = ? WHERE job_id = ? AND status <> 'completed'"
    rest = "cancelled" if conclusion == "cancelled" else "skipped"
    forge.db.run(sql, rest, job.id)
    if job.token_id:
        forge.db.run("DELETE FROM token WHERE id = ?", job.token_id)
    tell(forge, job.id)


def end_job(forge: Forge, job: Job, conclusion: str) -> None:
    """A job has ended; what waited for it goes on."""
    _end(forge, job, conclusion)
    advance(forge, job.run_id)


def refuse(forge: Forge, job: Job, words: Sequence[str]) -> None:
    """A job that nobody will run: its log and its commit status say why."""
    job_logs.append(forge, job, job.lines, words)
    end_job(forge, job, "failure")
    # Its first step is where people look for the reason.
    forge.db.run("UPDATE step SET conclusion = 'failure' WHERE job_id = ? AND number = 0", job.id)
    tell(forge, job.id, words[0])


def cancel_job(forge: Forge, job: Job) -> None:
    """Stop a job: at once when nobody runs it, by its runner otherwise."""
    if job.status in {"waiting", "blocked"}:
        end_job(forge, job, "cancelled")
    elif job.status == "running":
        forge.db.update("job", job.id, cancel=1)
        forge.jobs.ring()


def cancel_run(forge: Forge, run: Run) -> None:
    """Stop everything of a run that has not ended."""
    for job in reversed(actions.jobs(forge.db, run.id)):
        cancel_job(forge, job)


def settle_run(forge: Forge, run_id: int) -> None:
    """What the jobs' states make of the run's."""
    jobs = actions.jobs(forge.db, run_id)
    states = {job.status for job in jobs}
    values: dict[str, Any] = {"updated": clock.now()}
    started = [job.started for job in jobs if job.started]
    if started:
        values["started"] = min(started)
    if states <= {"completed"}:
        ended = [job.ended for job in jobs if job.ended]
        values |= {"status": "completed", "conclusion": _conclusion(jobs), "ended": max(ended, default=clock.now())}
    else:
        running = "running" in states or (started and "waiting" in states)
        values |= {"status": "running" if running else "waiting", "conclusion": None, "ended": None}
    forge.db.update("run", run_id, **values)


def _conclusion(jobs: Sequence[Job]) -> str:
    found = {job.conclusion for job in jobs}
    for word in ("failure", "cancelled"):
        if word in found:
            return word
    return "skipped" if found == {"skipped"} else "success"


def tell(forge: Forge, job_id: int, words: str = "") -> None:
    """Set the commit status that stands for the job; its state in ``words``, where there are better ones."""
    job = actions.job(forge.db, job_id)
    run = actions.run(forge.db, job.run_id) if job else None
    repository = repositories.by_id(forge.db, run.repo_id) if run else None
    if job is None or run is None or repository is None or run.event not in _STATUS_EVENTS:
        return
    context = f"{run.name} / {job.name} ({_STATUS_EVENTS[run.event]})".strip()
    state, usual = _said(job)
    target = f"/{repository.full_name}/actions/runs/{run.id}/jobs/{job.id}"
    details = {"context": context, "state": state, "description": words or usual, "target_url": target}
    statuses.put(forge, repository, _sha(run), details)


def _sha(run: Run) -> str:
    """A pull request's statuses belong to its head, also when its base defines what runs."""
    if run.event != "pull_request_target":
        return run.sha
    return str(json.loads(run.payload)["event"]["pull_request"]["head"]["sha"])


def _said(job: Job) -> tuple[str, str]:
    took = _duration((job.ended or 0) - (job.started or job.ended or 0))
    if job.status == "completed":
        return {
            "success": ("success", f"Successful in {took}"),
            "failure": ("failure", f"Failing after {took}"),
            "cancelled": ("failure", "Has been cancelled"),
            "skipped": ("skipped", "Has been skipped"),
        }[job.conclusion or "failure"]
    words = {"waiting": "Waiting to run", "blocked": "Blocked by required conditions", "running": "Has started running"}
    return "pending", words[job.status]


def _duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def reset_steps(forge: Forge, job_id: int) -> None:
    """No step of the job has run yet."""
    sql = "UPDATE step SET status = 'waiting', conclusion = NULL, started = NULL, ended = NULL WHERE job_id = ?"
    forge.db.run(sql, job_id)


def reset(forge: Forge, run: Run, only: Collection[int]) -> None:
    """Let jobs wait again: all, or some and those that need them."""
    jobs = actions.jobs(forge.db, run.id)
    chosen = {job.key for job in jobs if not only or job.id in only}
    while more := {job.key for job in jobs if set(json.loads(job.needs)) & chosen} - chosen:
        chosen |= more
    with forge.db.write():
        for job in jobs:
            if job.key in chosen:
                status = "blocked" if json.loads(job.needs) else "waiting"
                clean = {"conclusion": None, "runner_id": None, "started": None, "ended": None, "cancel": 0}
                forge.db.update("job", job.id, status=status, **clean)
                reset_steps(forge, job.id)
                job_logs.truncate(forge, job.id)
        forge.db.update("run", run.id, status="waiting", conclusion=None, ended=None)
        for job in jobs:
            if job.key in chosen:
                tell(forge, job.id)
        advance(forge, run.id)
    forge.jobs.ring()
