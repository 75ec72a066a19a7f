"""Workflows, their runs and logs (Gitea API: /repos/{owner}/{repo}/actions)."""

from __future__ import annotations

from collections.abc import Mapping

from harness.forge.client import Forge, segment
from harness.forge.errors import NotFound
from harness.forge.model import Job, Run
from harness.forge.repositories import path
from harness.kit.clock import Deadline, wait_until


def runs(
    forge: Forge,
    slug: str,
    *,
    sha: str | None = None,
    branch: str | None = None,
    event: str | None = None,
    status: str | None = None,
) -> list[Run]:
    """Runs, newest first."""
    asked = {"head_sha": sha, "branch": branch, "event": event, "status": status}
    wanted = {name: value for name, value in asked.items() if value}
    return [Run.of(entry) for entry in forge.listed(path(slug, "actions", "runs"), "workflow_runs", **wanted)]


def get(forge: Forge, slug: str, run: int) -> Run:
    """One run; raises ``NotFound``."""
    return Run.of(forge.get(path(slug, "actions", "runs", run)))


def jobs(forge: Forge, slug: str, run: int) -> list[Job]:
    """The jobs of a run."""
    return [Job.of(entry) for entry in forge.listed(path(slug, "actions", "runs", run, "jobs"), "jobs")]


def log(forge: Forge, slug: str, job: int) -> str:
    """What a job has printed so far; empty before it has started."""
    try:
        return forge.text(path(slug, "actions", "jobs", job, "logs"))
    except NotFound:
        return ""


def dispatch(forge: Forge, slug: str, workflow: str, ref: str, inputs: Mapping[str, str] | None = None) -> None:
    """Start a workflow by hand; raises ``NotFound`` for one, or a ref, that does not exist."""
    body = {"ref": ref, "inputs": dict(inputs or {})}
    forge.post(path(slug, "actions", "workflows", segment(workflow), "dispatches"), body)


def wait(forge: Forge, slug: str, run: int, deadline: Deadline) -> Run:
    """Wait for a run's end; raises ``DeadlineError``."""

    def ended() -> Run | None:
        found = get(forge, slug, run)
        return found if found.done else None

    return wait_until(ended, deadline, f"{slug}: run {run} ends")
