"""Workflow runs: started by events, seen to their end.

Whose code runs: the definition comes from the commit that was pushed or dispatched, from the head of a pull request for
``pull_request``, from its base for ``pull_request_target``. A run is *trusted* when that commit is held by the default
branch or a protected one, of a repository whose owner runs are for (``ForgeSettings.trusted_owners``). Other runs get
no secrets, a token that only reads, and only runners that say they take them; without one they are refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from harness.embedded.forge import clock
from harness.embedded.forge.errors import BadRequestError, InvalidError, MissingError
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.git import history, names
from harness.embedded.forge.services import job_logs, payloads, rules, run_states, workflow_files
from harness.embedded.forge.services.workflow_files import Source
from harness.embedded.forge.store import accounts, actions, repositories
from harness.embedded.forge.store.records import Account, Pull, Repository, Run
from harness.embedded.forge.workflows import match, parse
from harness.embedded.forge.workflows.errors import WorkflowError
from harness.embedded.forge.workflows.match import Event
from harness.embedded.forge.workflows.model import Workflow

PULL_ACTIONS = frozenset({"opened", "synchronized", "reopened", "closed", "edited"})
_SKIP = ("[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]")
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a run starts: the event as matched and as told, the commit that is shown, the commit of the definition."""

    event: Event
    title: str
    ref: str
    sha: str
    code_sha: str
    payload: dict[str, Any]
    trusted: bool
    inputs: Mapping[str, str | bool] = field(default_factory=dict)
    head_ref: str = ""
    base_ref: str = ""


def _silent(repository: Repository, doer: Account, title: str) -> bool:
    """Whether nothing starts: switched off, asked for by the message, or done by a job (which would never end)."""
    off = not repository.option("has_actions")
    return off or doer.id == accounts.SYSTEM_ID or any(words in title for words in _SKIP)


def on_push(forge: Forge, repository: Repository, doer: Account, update: tuple[str, str, str], base: str) -> None:
    """Start what a push starts, and note the schedules of the default branch."""
    ref, old, new = update
    git = forge.git(repository.id)
    sha = git.resolve(ref) or new
    sources = workflow_files.at(git, sha)
    is_default = ref == f"refs/heads/{repository.default_branch}"
    if is_default:
        workflow_files.note_schedules(forge, repository, sha, clock.now())
    commit = history.read(git, sha) if sources else None
    if commit is None or _silent(repository, doer, commit.message):
        return
    event = Event("push", ref=ref, paths=_changed(forge, repository, old, sha))
    payload = payloads.push(forge.view(base=base), repository, doer, update)
    trusted = is_trusted(forge, repository, ref, sha)
    cause = Cause(event, commit.title, ref, sha, sha, payload, trusted)
    _start_matching(forge, repository, doer, sources, cause, base)


def is_trusted(forge: Forge, repository: Repository, ref: str, sha: str) -> bool:
    """Whether the commit has been accepted: a branch that not everybody moves holds it.

    In a fork of one's own everybody moves every branch, so its owner must be one that runs are for.
    """
    owners = forge.settings.trusted_owners
    if owners and repository.owner_name.lower() not in owners:
        return False
    branch = ref.removeprefix("refs/heads/")
    if branch == repository.default_branch or (branch != ref and rules.rule_for(forge, repository, branch)):
        return True
    git = forge.git(repository.id)
    tip = git.branch(repository.default_branch)
    return tip is not None and history.is_ancestor(git, sha, tip)


def _changed(forge: Forge, repository: Repository, old: str, new: str) -> tuple[str, ...]:
    git = forge.git(repository.id)
    start = old
    if old == names.ZERO or not git.is_object(old):
        tip = git.branch(repository.default_branch)
        start = (history.merge_base(git, tip, new) if tip and tip != new else None) or _EMPTY_TREE
    return tuple(change.path for change in history.between(git, start, new))


def on_pull(forge: Forge, repository: Repository, doer: Account, found: Pull, action: str, base: str) -> None:  # noqa: PLR0917
    """Start what a pull request starts: by its own files, and by those of its base."""
    if _silent(repository, doer, found.title):
        return
    git = forge.git(repository.id)
    tip = git.branch(found.base)
    payload = payloads.pull(forge, doer, found, action, base)
    paths = tuple(change.path for change in history.between(git, found.merge_base, found.head_sha))
    kind = {"synchronized": "synchronize"}.get(action, action)
    event = Event("pull_request", branch=found.base, action=kind, paths=paths)
    cause = Cause(
        event, found.title, found.ref, found.head_sha, found.head_sha, payload, trusted=False,
        head_ref=found.head, base_ref=found.base,
    )  # fmt: skip
    _start_matching(forge, repository, doer, workflow_files.at(git, found.head_sha), cause, base)
    if tip:
        ref = f"refs/heads/{found.base}"
        trusted = is_trusted(forge, repository, ref, tip)
        event = replace(event, name="pull_request_target")
        target = replace(cause, event=event, ref=ref, sha=tip, code_sha=tip, trusted=trusted)
        _start_matching(forge, repository, doer, workflow_files.at(git, tip), target, base)


def _start_matching(  # noqa: PLR0917
    forge: Forge, repository: Repository, doer: Account, sources: Sequence[Source], cause: Cause, base: str
) -> None:
    for source in sources:
        if workflow_files.is_off(forge, repository, source.name):
            continue
        try:
            if not match.starts(parse.triggers(source.path, source.text), cause.event):
                continue
        except WorkflowError as wrong:
            if cause.event.name == "push":  # nobody knows what it wanted; one run says what is wrong
                start(forge, repository, doer, source, cause, base, refused=wrong)
            continue
        start(forge, repository, doer, source, cause, base)


def start(  # noqa: PLR0917
    forge: Forge,
    repository: Repository,
    doer: Account,
    source: Source,
    cause: Cause,
    base: str,
    *,
    refused: WorkflowError | None = None,
) -> Run:
    """A new run with its jobs; a file that is not understood makes a run that has failed and says why."""
    workflow: Workflow | None = None
    try:
        workflow = parse.read(source.path, source.text) if refused is None else None
    except WorkflowError as wrong:
        refused = wrong
    with forge.db.write():
        run = _insert(forge, repository, doer, source, cause, base, workflow.name if workflow else "")
        if workflow:  # a runner that asks meanwhile finds the jobs when all of this is said of them, or not at all
            _insert_jobs(forge, run, workflow)
            run_states.begin(forge, run)
    if refused:
        _refuse(forge, run, source, refused)
    forge.jobs.ring()
    return actions.run(forge.db, run.id) or run


def _insert(  # noqa: PLR0917
    forge: Forge, repository: Repository, doer: Account, source: Source, cause: Cause, base: str, name: str
) -> Run:
    number = int(forge.db.value("SELECT coalesce(max(number), 0) + 1 FROM run WHERE repo_id = ?", repository.id))
    kept = {
        "event": cause.payload,
        "inputs": cause.inputs,
        "trusted": cause.trusted,
        "head_ref": cause.head_ref,
        "base_ref": cause.base_ref,
    }
    now = clock.now()
    key = forge.db.insert(
        "run", repo_id=repository.id, number=number, file=source.name, title=cause.title, event=cause.event.name,
        ref=cause.ref, sha=cause.sha, code_sha=cause.code_sha, actor_id=doer.id, payload=json.dumps(kept), name=name,
        status="waiting", base_url=base or forge.base, created=now, updated=now,
    )  # fmt: skip
    run = actions.run(forge.db, key)
    assert run is not None
    return run


def _insert_jobs(forge: Forge, run: Run, workflow: Workflow) -> None:
    for job in workflow.jobs:
        spec = {**asdict(job), "workflow_env": dict(workflow.env), "workflow_concurrency": None}
        if workflow.concurrency:
            spec["workflow_concurrency"] = asdict(workflow.concurrency)
        key = forge.db.insert(
            "job", run_id=run.id, repo_id=run.repo_id, key=job.key, name=job.name, needs=json.dumps(job.needs),
            labels=json.dumps(job.labels), spec=json.dumps(spec), status="blocked" if job.needs else "waiting",
            created=clock.now(),
        )  # fmt: skip
        for number, step in enumerate(job.steps):
            forge.db.insert("step", job_id=key, number=number, name=step.name, status="waiting")


def _refuse(forge: Forge, run: Run, source: Source, wrong: WorkflowError) -> None:
    now = clock.now()
    key = forge.db.insert(
        "job", run_id=run.id, repo_id=run.repo_id, key=source.name, name=source.name, needs="[]", labels="[]",
        spec="{}", status="completed", conclusion="failure", created=now, started=now, ended=now,
    )  # fmt: skip
    job = actions.job(forge.db, key)
    assert job is not None
    job_logs.append(forge, job, 0, [str(wrong)])
    run_states.settle_run(forge, run.id)
    run_states.tell(forge, key)


def dispatch(  # noqa: PLR0917
    forge: Forge, repository: Repository, doer: Account, name: str, ref: str, inputs: dict[str, Any], base: str
) -> Run:
    """Start a workflow by hand on a branch or tag."""
    full, sha = _dispatch_ref(forge, repository, ref)
    sources = workflow_files.at(forge.git(repository.id), sha)
    source = next((one for one in sources if one.name == name), None)
    if source is None:
        raise MissingError(f'workflow "{name}" doesn\'t exist')
    workflow_files.refuse_off(forge, repository, name)
    try:
        triggers = parse.triggers(source.path, source.text)
    except WorkflowError as wrong:
        raise InvalidError(str(wrong)) from wrong
    if "workflow_dispatch" not in triggers.events:
        raise InvalidError(f'workflow "{name}" has no workflow_dispatch')
    given = {key: value.default for key, value in triggers.inputs.items()}
    given |= {key: _input_text(value) for key, value in inputs.items() if key in given}
    missing = [key for key, value in triggers.inputs.items() if value.required and not given[key]]
    if missing:
        raise BadRequestError(f"input is missing: {', '.join(missing)}")
    wrong_ones = [key for key, value in given.items() if value and not triggers.inputs[key].takes(value)]
    if wrong_ones:
        raise BadRequestError(f"input cannot be that: {', '.join(f'{key}={given[key]}' for key in wrong_ones)}")
    typed = {key: triggers.inputs[key].typed(value) for key, value in given.items()}
    payload = {"ref": full, "inputs": given, "workflow": name}
    commit = history.read(forge.git(repository.id), sha)
    trusted = is_trusted(forge, repository, full, sha)
    cause = Cause(Event("workflow_dispatch"), commit.title, full, sha, sha, payload, trusted, inputs=typed)
    return start(forge, repository, doer, source, cause, base)


def _input_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _dispatch_ref(forge: Forge, repository: Repository, ref: str) -> tuple[str, str]:
    git = forge.git(repository.id)
    short = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    for prefix in ("refs/heads/", "refs/tags/"):
        sha = git.resolve(f"{prefix}{short}") if names.is_ref_name(short) else None
        if sha:
            return f"{prefix}{short}", sha
    raise MissingError(f'ref "{ref}" doesn\'t exist')


def on_schedule(forge: Forge, repo_id: int, name: str, line: str) -> None:
    """Start a workflow whose time has come."""
    repository = repositories.by_id(forge.db, repo_id)
    if repository is None or not repository.option("has_actions") or repository.archived:
        return
    git = forge.git(repo_id)
    sha = git.branch(repository.default_branch)
    source = next((one for one in workflow_files.of_default_branch(forge, repository) if one.name == name), None)
    if sha is None or source is None or workflow_files.is_off(forge, repository, name):
        return
    ref = f"refs/heads/{repository.default_branch}"
    title = history.read(git, sha).title
    trusted = is_trusted(forge, repository, ref, sha)
    cause = Cause(Event("schedule"), title, ref, sha, sha, {"schedule": line}, trusted)
    start(forge, repository, accounts.by_id(forge.db, accounts.SYSTEM_ID), source, cause, forge.base)


def delete(forge: Forge, run: Run) -> None:
    """Remove a run that has ended, with its logs."""
    if run.status != "completed":
        raise BadRequestError("this workflow run is not done")
    keys = [job.id for job in actions.jobs(forge.db, run.id)]
    forge.db.run("DELETE FROM run WHERE id = ?", run.id)
    for key in keys:
        job_logs.path(forge, key).unlink(missing_ok=True)


def rerun(forge: Forge, run: Run, only: int | None = None) -> Run:
    """Start the jobs of a run that has ended again: all, or one and those that need it."""
    return _again(forge, run, [only] if only else [])


def rerun_failed(forge: Forge, run: Run) -> Run:
    """Start what has failed again, and what needs it."""
    return _again(forge, run, [job.id for job in actions.jobs(forge.db, run.id) if job.conclusion == "failure"])


def _again(forge: Forge, run: Run, only: list[int]) -> Run:
    if run.status != "completed":
        raise BadRequestError("this workflow run is not done")
    run_states.reset(forge, run, only)
    forge.jobs.ring()
    return actions.run(forge.db, run.id) or run
