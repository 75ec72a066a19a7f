"""What expressions of a job can read, and the environment its steps get."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.embedded.forge.forge import Forge
from harness.embedded.forge.services import variables
from harness.embedded.forge.store import accounts, actions, repositories
from harness.embedded.forge.store.records import Job, Repository, Run
from harness.embedded.forge.workflows import expressions
from harness.embedded.forge.workflows.expressions import Context, State

Values = dict[str, Any]


def github(forge: Forge, run: Run, job: Job, repository: Repository, token: str) -> Values:
    """The ``github`` context."""
    kept = json.loads(run.payload)
    kind, name = _ref(run.ref)
    return {
        "sha": run.sha,
        "ref": run.ref,
        "ref_name": name,
        "ref_type": kind,
        "head_ref": kept["head_ref"],
        "base_ref": kept["base_ref"],
        "repository": repository.full_name,
        "repository_owner": repository.owner_name,
        "server_url": run.base_url,
        "api_url": f"{run.base_url}/api/v1",
        "token": token,
        "event": kept["event"],
        "event_name": run.event,
        "actor": accounts.by_id(forge.db, run.actor_id).name,
        "run_id": str(run.id),
        "run_number": str(run.number),
        "run_attempt": str(max(job.attempt, 1)),
        "workflow": run.name or run.file,
        "job": job.key,
    }


def _ref(ref: str) -> tuple[str, str]:
    if ref.startswith("refs/tags/"):
        return "tag", ref[10:]
    return "branch", ref.removeprefix("refs/heads/").removeprefix("refs/pull/")


def is_trusted(run: Run) -> bool:
    """Whether the run's code has been accepted."""
    return bool(json.loads(run.payload)["trusted"])


def values(forge: Forge, run: Run, job: Job, repository: Repository, token: str) -> Values:
    """Everything but ``env`` and ``needs``; code that was not accepted sees no secrets."""
    held = variables.secrets_for(forge, repository) if is_trusted(run) else {}
    secrets = {name: secret.reveal() for name, secret in held.items()}
    tokens = {"GITHUB_TOKEN": token, "GITEA_TOKEN": token}
    return {
        "github": github(forge, run, job, repository, token),
        "vars": variables.for_repository(forge, repository),
        "secrets": {**secrets, **tokens},
        "inputs": json.loads(run.payload)["inputs"],
        "env": {},
        "needs": _needs(forge, run, job),
    }


def _needs(forge: Forge, run: Run, job: Job) -> Values:
    wanted = json.loads(job.needs)
    return {one.key: {"result": one.conclusion or ""} for one in actions.jobs(forge.db, run.id) if one.key in wanted}


def for_condition(forge: Forge, run: Run, job: Job, needed: Sequence[Job], state: State) -> Context:
    """What the ``if`` of a job can read: no secrets."""
    repository = _repository(forge, run)
    found = {
        "github": github(forge, run, job, repository, ""),
        "vars": variables.for_repository(forge, repository),
        "inputs": json.loads(run.payload)["inputs"],
        "needs": {one.key: {"result": one.conclusion or ""} for one in needed},
    }
    return Context(found, state)


def _repository(forge: Forge, run: Run) -> Repository:
    found = repositories.by_id(forge.db, run.repo_id)
    assert found is not None
    return found


def groups(forge: Forge, run: Run, job: Job) -> list[tuple[str, bool]]:
    """The concurrency groups of a job, and whether each cancels those before it."""
    spec = json.loads(job.spec)
    wanted = [found for found in (spec.get("concurrency"), spec.get("workflow_concurrency")) if found]
    context = for_condition(forge, run, job, (), State()) if wanted else None
    return [(expressions.fill(found["group"], context), bool(found["cancel"])) for found in wanted if context]


def filled(env: Mapping[str, str], context: Context) -> dict[str, str]:
    """An ``env`` with its expressions replaced."""
    return {name: expressions.fill(text, context) for name, text in env.items()}


def standard_environment(found: Mapping[str, Any], token: str) -> dict[str, str]:
    """The variables that every step gets; the runner adds paths of its own."""
    names = (
        "sha", "ref", "ref_name", "ref_type", "head_ref", "base_ref", "repository", "repository_owner", "server_url",
        "api_url", "event_name", "actor", "run_id", "run_number", "run_attempt", "workflow", "job",
    )  # fmt: skip
    made = {f"GITHUB_{name.upper()}": str(found[name]) for name in names}
    return {**made, "CI": "true", "GITHUB_ACTIONS": "true", "GITEA_ACTIONS": "true", "GITHUB_TOKEN": token}
