"""Commit statuses (Gitea API: /repos/{owner}/{repo}/statuses/{sha})."""

from __future__ import annotations

from typing import Literal

from harness.forge.client import Forge
from harness.forge.model import Status
from harness.forge.repositories import path

State = Literal["pending", "success", "failure", "error", "warning"]
_LONGEST = 255  # Gitea cuts nothing itself and its pages show one line


def report(
    forge: Forge, slug: str, sha: str, context: str, state: State, *, description: str = "", target: str = ""
) -> Status:
    """Say in one line how ``context`` stands for a commit; ``target`` is where there is more."""
    body = {"context": context, "state": state, "description": description[:_LONGEST], "target_url": target}
    return Status.of(forge.post(path(slug, "statuses", sha), body))


def newest(forge: Forge, slug: str, ref: str) -> dict[str, Status]:
    """The newest status of each context."""
    found = forge.get(path(slug, "commits", ref, "status"))
    return {entry["context"]: Status.of(entry) for entry in found.get("statuses") or []}
