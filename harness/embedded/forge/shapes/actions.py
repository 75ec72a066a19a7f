"""Workflows, runs, jobs, tasks, variables and hooks."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from harness.embedded.forge import clock
from harness.embedded.forge.access import Mode
from harness.embedded.forge.shapes import people
from harness.embedded.forge.shapes import repository as repositories_shape
from harness.embedded.forge.shapes.view import View
from harness.embedded.forge.store import accounts, actions
from harness.embedded.forge.store.records import Hook, Job, Repository, Run, Runner, Step, Variable

Json = dict[str, Any]
_STATUS = {"waiting": "queued", "blocked": "waiting", "running": "in_progress", "completed": "completed"}


def variable(found: Variable) -> Json:
    """A plain value for workflows."""
    return {
        "owner_id": found.owner_id,
        "repo_id": found.repo_id,
        "name": found.name,
        "data": found.data,
        "description": found.description,
    }


def workflow(view: View, repository: Repository, path: str, state: str, times: tuple[str, str]) -> Json:
    """A workflow file of the default branch; ``times`` are of its first and last commit."""
    name, branch = path.rsplit("/", 1)[-1], quote(repository.default_branch)
    return {
        "id": name,
        "name": name,
        "path": path,
        "state": state,
        "created_at": times[0],
        "updated_at": times[1],
        "url": view.api(repository, "actions/workflows", quote(name)),
        "html_url": view.page(repository, "src/branch", branch, quote(path)),
        "badge_url": view.page(repository, "actions/workflows", f"{quote(name)}/badge.svg?branch={branch}"),
        "deleted_at": clock.ZERO,
    }


def run(view: View, repository: Repository, found: Run) -> Json:
    """A run; Gitea shows its repository as to a stranger."""
    actor = people.stranger(view, accounts.by_id(view.db, found.actor_id))
    return {
        "id": found.id,
        "url": view.api(repository, "actions/runs", str(found.id)),
        "html_url": view.page(repository, "actions/runs", str(found.id)),
        "display_title": found.title,
        "path": f"{found.file}@{found.ref}",
        "event": found.event,
        "run_attempt": found.attempt,
        "run_number": found.number,
        "head_sha": found.sha,
        "head_branch": branch_of(found.ref),
        "status": _STATUS[found.status],
        "actor": actor,
        "trigger_actor": actor,
        "repository": repositories_shape.repository(view, repository, Mode.NONE),
        **({"conclusion": found.conclusion} if found.conclusion else {}),
        "started_at": clock.show(found.started),
        "completed_at": clock.show(found.ended),
    }


def branch_of(ref: str) -> str:
    """The branch that a ref is; nothing for tags and pull requests, as Gitea has it."""
    return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""


def pretty(ref: str) -> str:
    """A ref as people write it: a branch, a tag, or the number of a pull request."""
    if ref.startswith("refs/pull/"):
        return f"#{ref.split('/')[2]}"
    return ref.removeprefix("refs/heads/").removeprefix("refs/tags/")


def job(view: View, repository: Repository, found: Run, one: Job) -> Json:
    """A job with its steps, once a runner has it."""
    runner = actions.runner(view.db, one.runner_id) if one.runner_id else None
    return {
        "id": one.id,
        "url": view.api(repository, "actions/jobs", str(one.id)),
        "html_url": view.page(repository, "actions/runs", str(found.id), "jobs", str(one.id)),
        "run_id": found.id,
        "run_url": view.api(repository, "actions/runs", str(found.id)),
        "name": one.name,
        "labels": json.loads(one.labels),
        "run_attempt": one.attempt,
        "head_sha": found.sha,
        "head_branch": branch_of(found.ref),
        "status": _STATUS[one.status],
        **({"conclusion": one.conclusion} if one.conclusion else {}),
        **({"runner_id": one.runner_id} if one.runner_id else {}),
        **({"runner_name": runner.name} if runner else {}),
        "steps": [step(each) for each in actions.steps(view.db, one.id)] if one.runner_id else [],
        "created_at": clock.show(one.created),
        "started_at": clock.show(one.started),
        "completed_at": clock.show(one.ended),
    }


def step(found: Step) -> Json:
    """A step."""
    return {
        "name": found.name,
        "number": found.number,
        "status": _STATUS[found.status],
        **({"conclusion": found.conclusion} if found.conclusion else {}),
        "started_at": clock.show(found.started),
        "completed_at": clock.show(found.ended),
    }


def task(view: View, repository: Repository, found: Run, one: Job) -> Json:
    """A job that a runner has taken, in the older form."""
    status = one.conclusion or {"waiting": "waiting", "blocked": "blocked"}.get(one.status, "running")
    return {
        "id": one.task_id or one.id,
        "name": one.name,
        "head_branch": pretty(found.ref),
        "head_sha": found.sha,
        "run_number": found.number,
        "event": found.event,
        "display_title": found.title,
        "status": status,
        "workflow_id": found.file,
        "url": view.page(repository, "actions/runs", str(found.id)),
        "created_at": clock.show(one.created),
        "updated_at": clock.show(one.ended or one.started or one.created),
        "run_started_at": clock.show(one.started),
    }


def runner(found: Runner, busy: bool) -> Json:
    """A runner; offline when it was not heard for a minute."""
    labels = [
        {"id": number, "name": name, "type": "custom"} for number, name in enumerate(json.loads(found.labels), start=1)
    ]
    online = clock.now() - found.heard < 60
    return {
        "id": found.id,
        "name": found.name,
        "status": "online" if online else "offline",
        "busy": busy,
        "ephemeral": False,
        "disabled": False,
        "labels": labels,
    }


def hook(found: Hook) -> Json:
    """A webhook; its secret is never shown."""
    return {
        "id": found.id,
        "type": found.kind,
        "branch_filter": found.branch_filter,
        "config": {"content_type": found.content_type, "url": found.url},
        "events": json.loads(found.events),
        "authorization_header": found.authorization,
        "active": found.active,
        "updated_at": clock.show(found.updated),
        "created_at": clock.show(found.created),
    }
