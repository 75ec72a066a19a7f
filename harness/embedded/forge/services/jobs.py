"""Jobs and the runners that run them: who gets which, what they report, what happens when they fall silent."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Sequence
from typing import Any

from harness.embedded.forge import access, clock
from harness.embedded.forge.errors import BadRequestError, ConflictError, UnauthorisedError, not_found
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.services import contexts, job_logs, run_states, users
from harness.embedded.forge.store import accounts, actions, repositories
from harness.embedded.forge.store.records import Job, Repository, Run, Runner
from harness.embedded.forge.workflows import expressions
from harness.embedded.forge.workflows.expressions import Context, State

SILENT_SECONDS = 60  # a runner that was not heard for so long has lost its job
_UNTRUSTED = "untrusted"  # the label of runners that take code which nobody has accepted
_CANCEL_SECONDS = 60  # how long a runner may take to stop a job
_TOKEN_SLACK = 3600
_SCOPES = {True: "write:issue,write:repository,read:user", False: "read:issue,read:repository"}
CONCLUSIONS = frozenset({"success", "failure", "cancelled", "skipped"})


# Registration


def registration_token(forge: Forge, owner_id: int = 0, repo_id: int = 0) -> str:
    """The token with which runners of that scope (0 and 0: all) register; made once."""
    with forge.db.write():
        sql = "SELECT token FROM registration WHERE owner_id = ? AND repo_id = ?"
        known = forge.db.value(sql, owner_id, repo_id)
        if known:
            return str(known)
        token = secrets.token_hex(20)
        forge.db.insert("registration", token=token, owner_id=owner_id, repo_id=repo_id, created=clock.now())
    return token


def register(forge: Forge, token: str, name: str, labels: Sequence[str], *, untrusted: bool) -> tuple[Runner, str]:
    """A new runner and its secret; raises ``UnauthorisedError`` for a wrong token."""
    row = forge.db.connection.execute("SELECT owner_id, repo_id FROM registration WHERE token = ?", (token,)).fetchone()
    if row is None:
        raise UnauthorisedError("the registration token is wrong")
    secret, now = secrets.token_hex(20), clock.now()
    kept = json.dumps([*labels, *([_UNTRUSTED] if untrusted else [])])
    values = {"owner_id": row[0], "repo_id": row[1], "created": now, "heard": now}
    forge.db.insert("runner", name=name, digest=access.digest(secret), labels=kept, **values)
    return identify(forge, secret), secret


def identify(forge: Forge, secret: str) -> Runner:
    """The runner with that secret, noted as heard; raises ``UnauthorisedError``."""
    runner = actions.runner_by_digest(forge.db, access.digest(secret))
    if runner is None:
        raise UnauthorisedError("no runner has this token")
    if clock.now() - runner.heard > 5:
        forge.db.update("runner", runner.id, heard=clock.now())
    return runner


def take_back(forge: Forge, runner: Runner, held: Collection[int]) -> None:
    """Offer again what the runner was given and does not know of: an answer was lost, or the runner was killed."""
    for job in actions.jobs_with_status(forge.db, "running"):
        if job.runner_id == runner.id and job.id not in held:
            give_back(forge, job, "its runner has lost it")


def expect_runners(forge: Forge) -> None:
    """The forge was away, so nobody could be heard: running jobs get the whole time again."""
    forge.db.run("UPDATE job SET heard = ? WHERE status = 'running'", clock.now())


# Handing out


def take(forge: Forge, runner: Runner) -> dict[str, Any] | None:
    """The oldest waiting job that the runner may run, now its own; ``None`` when there is none.

    One that it would run, were its code accepted, is refused where no runner takes such code: it would wait for ever.
    """
    refused = []
    with forge.db.write():
        for job in actions.jobs_with_status(forge.db, "waiting"):
            run = actions.run(forge.db, job.run_id)
            repository = repositories.by_id(forge.db, job.repo_id)
            if run is None or repository is None or not _serves(runner, repository, job):
                continue
            if not contexts.is_trusted(run) and _UNTRUSTED not in _labels(runner):
                refused += [] if _has_sandbox(forge, repository, job) else [(run, job)]
            elif not _group_busy(forge, run, job):
                return _hand_out(forge, runner, repository, run, job)
    for run, job in refused:
        _refuse(forge, run, job)
    return None


def _labels(runner: Runner) -> set[str]:
    return set(json.loads(runner.labels))


def _serves(runner: Runner, repository: Repository, job: Job) -> bool:
    """Whether the runner works for that repository and has what the job asks for."""
    if runner.repo_id not in {0, repository.id} or runner.owner_id not in {0, repository.owner_id}:
        return False
    return set(json.loads(job.labels)) <= _labels(runner) and not job.cancel


def lacking(forge: Forge, job: Job) -> list[str]:
    """What a job asks of a runner and none that there is has."""
    wanted = json.loads(job.labels)
    known = [_labels(one) for one in actions.all_runners(forge.db)]
    return [] if any(set(wanted) <= labels for labels in known) else sorted(set(wanted) - set().union(*known)) or wanted


def _has_sandbox(forge: Forge, repository: Repository, job: Job) -> bool:
    """Whether somebody has set a runner up for such jobs; it may be away for now."""
    return any(_UNTRUSTED in _labels(one) and _serves(one, repository, job) for one in actions.all_runners(forge.db))


def _refuse(forge: Forge, run: Run, job: Job) -> None:
    fresh = actions.job(forge.db, job.id)
    repository = repositories.by_id(forge.db, job.repo_id)
    if fresh is None or repository is None or fresh.status != "waiting":  # refusing one may settle others
        return
    run_states.refuse(forge, fresh, _why_not(forge, run, repository))


def _why_not(forge: Forge, run: Run, repository: Repository) -> list[str]:
    """Why the code of a run is not run: what is wrong with it, and what would be right."""
    owners = forge.settings.trusted_owners
    if run.event == "pull_request":
        found = f"refused: {run.file} comes with the pull request, so it is not run before the merge"
        return [found, "checks of pull requests are workflows on pull_request_target: those of the target branch run"]
    if owners and repository.owner_name.lower() not in owners:
        found = f"refused: nothing of {repository.full_name} is run here"
        return [found, f"runners work for {', '.join(owners)}; a pull request brings a fork's changes there"]
    found = f"refused: {run.file} at {run.sha[:10]} is on no branch that was agreed to"
    return [found, f"that is {repository.default_branch}, a protected branch, or a commit that the first of them holds"]


def _group_busy(forge: Forge, run: Run, job: Job) -> bool:
    wanted = {name for name, _ in contexts.groups(forge, run, job)}
    if not wanted:
        return False
    for other in actions.jobs_with_status(forge.db, "running"):
        other_run = actions.run(forge.db, other.run_id)
        if other_run is None or other.repo_id != job.repo_id:
            continue
        shared = wanted & {name for name, _ in contexts.groups(forge, other_run, other)}
        whole = json.loads(job.spec).get("workflow_concurrency")
        if shared and not (other.run_id == job.run_id and whole and shared == _whole(forge, run, job)):
            return True
    return False


def _whole(forge: Forge, run: Run, job: Job) -> set[str]:
    """The group of the workflow itself, whose own jobs do not wait for each other."""
    return {contexts.groups(forge, run, job)[-1][0]}


def _hand_out(forge: Forge, runner: Runner, repository: Repository, run: Run, job: Job) -> dict[str, Any]:
    spec, now = json.loads(job.spec), clock.now()
    expires = now + int(spec["minutes"] * 60) + _TOKEN_SLACK
    scopes = _SCOPES[contexts.is_trusted(run)]
    name = f"job {job.id}.{job.attempt + 1} {secrets.token_hex(4)}"
    token, secret = users.issue_token(forge, accounts.SYSTEM_ID, name, scopes, expires=expires, repo_id=repository.id)
    forge.db.update(
        "job", job.id, status="running", runner_id=runner.id, attempt=job.attempt + 1, token_id=token.id,
        task_id=_next_task(forge), started=now, heard=now, lines=0,
    )  # fmt: skip
    job_logs.truncate(forge, job.id)
    fresh = actions.job(forge.db, job.id)
    assert fresh is not None
    made = payload(forge, repository, run, fresh, secret)
    for step in made["steps"]:
        sql = "UPDATE step SET name = ? WHERE job_id = ? AND number = ?"
        forge.db.run(sql, step["name"], job.id, step["number"])
    run_states.settle_run(forge, run.id)
    run_states.tell(forge, job.id)
    return made


def _next_task(forge: Forge) -> int:
    return int(forge.db.value("SELECT coalesce(max(task_id), 0) + 1 FROM job"))


def payload(forge: Forge, repository: Repository, run: Run, job: Job, token: str) -> dict[str, Any]:
    """Everything a runner needs, expressions filled in. See ``runner_api`` for what each key means."""
    spec = json.loads(job.spec)
    found = contexts.values(forge, run, job, repository, token)
    standard = contexts.standard_environment(found["github"], token)
    env = contexts.filled(spec["workflow_env"], Context(found))
    env |= contexts.filled(spec["env"], Context({**found, "env": env}))
    hidden = [value for value in found["secrets"].values() if value]
    return {
        "id": job.id,
        "run_id": run.id,
        "run_number": run.number,
        "attempt": job.attempt,
        "name": job.name,
        "workflow": run.file,
        "trusted": contexts.is_trusted(run),
        "repository": repository.full_name,
        "clone_url": f"{run.base_url}/{repository.full_name}.git",
        "server_url": run.base_url,
        "sha": run.sha,
        "ref": run.ref,
        "event_name": run.event,
        "event": found["github"]["event"],
        "token": token,
        "masks": sorted(set(hidden)),
        "env": {**standard, **env},
        "timeout_minutes": spec["minutes"],
        "steps": [_step(number, step, found, env) for number, step in enumerate(spec["steps"])],
    }


def _step(number: int, step: dict[str, Any], found: dict[str, Any], env: dict[str, str]) -> dict[str, Any]:
    own = contexts.filled(step["env"], Context({**found, "env": env}))
    values = {**found, "env": {**env, **own}}
    here = Context(values)
    return {
        "number": number,
        "name": expressions.fill(step["name"], here),
        "run": expressions.fill(step["run"], here),
        "env": own,
        "working_directory": expressions.fill(step["directory"], here),
        "shell": step["shell"] or "bash",
        "timeout_minutes": step["minutes"],
        "continue_on_error": step["ignore_failure"],
        "runs_after": {
            "success": expressions.holds(step["condition"], here),
            "failure": expressions.holds(step["condition"], Context(values, State(failed=True))),
            "cancelled": expressions.holds(step["condition"], Context(values, State(cancelled=True))),
        },
    }


# Reports


def owned(forge: Forge, runner: Runner, job_id: int) -> Job:
    """A job that the runner has; one that was taken from it is a conflict."""
    job = actions.job(forge.db, job_id)
    if job is None:
        raise not_found()
    if job.runner_id != runner.id or job.status != "running":
        raise ConflictError("the job is not this runner's any more")
    forge.db.update("job", job.id, heard=clock.now())
    return job


def report_step(forge: Forge, job: Job, number: int, status: str, conclusion: str | None) -> None:
    """A step has begun or ended."""
    if status not in {"running", "completed"} or (conclusion and conclusion not in CONCLUSIONS):
        raise BadRequestError("a step is running or completed, and ends by one of the known conclusions")
    now = clock.now()
    if status == "running":
        sql = "UPDATE step SET status = ?, started = ?, first_line = ? WHERE job_id = ? AND number = ?"
        forge.db.run(sql, status, now, job.lines, job.id, number)
    else:
        sql = """UPDATE step SET status = ?, conclusion = ?, ended = ?, started = coalesce(started, ?)
                 WHERE job_id = ? AND number = ?"""
        forge.db.run(sql, status, conclusion or "success", now, now, job.id, number)
    forge.jobs.ring()


def finish(forge: Forge, job: Job, conclusion: str) -> None:
    """A job has ended."""
    if conclusion not in CONCLUSIONS:
        raise BadRequestError(f"'{conclusion}' is no conclusion")
    run_states.end_job(forge, job, conclusion)


def give_back(forge: Forge, job: Job, why: str) -> None:
    """A job was interrupted: that is written into its log, and it is offered again."""
    if job.cancel:
        run_states.end_job(forge, job, "cancelled")
        return
    job_logs.append(forge, job, job.lines, [f"interrupted: {why}; offered again"])
    if job.token_id:
        forge.db.run("DELETE FROM token WHERE id = ?", job.token_id)
    forge.db.update("job", job.id, status="waiting", runner_id=None, started=None)
    run_states.reset_steps(forge, job.id)
    run_states.settle_run(forge, job.run_id)
    run_states.tell(forge, job.id)
    forge.jobs.ring()


def watch(forge: Forge, now: int | None = None) -> None:
    """Take jobs from runners that fell silent; end those over their time."""
    moment = now or clock.now()
    for job in actions.jobs_with_status(forge.db, "running"):
        limit = (job.started or moment) + int(json.loads(job.spec)["minutes"] * 60)
        if moment - (job.heard or moment) > SILENT_SECONDS:
            give_back(forge, job, "its runner fell silent")
        elif moment > limit + _CANCEL_SECONDS:
            job_logs.append(forge, job, job.lines, ["the time limit is over, and the runner did not stop the job"])
            run_states.end_job(forge, job, "failure")
        elif moment > limit and not job.cancel:
            job_logs.append(forge, job, job.lines, ["the time limit is over"])
            forge.db.update("job", job.id, cancel=1)
            forge.jobs.ring()
