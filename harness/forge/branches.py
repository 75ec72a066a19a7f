"""Branches (Gitea API: /repos/{owner}/{repo}/branches)."""

from __future__ import annotations

from urllib.parse import quote

from harness.forge.client import Forge
from harness.forge.errors import ForgeError
from harness.forge.repositories import path
from harness.kit.clock import Deadline, wait_until

_UNKNOWN = {404, 405}  # a forge that has no such rules, or keeps its own


def heads(forge: Forge, slug: str) -> dict[str, str]:
    """Every branch with the commit that it holds; none for an empty repository."""
    return {entry["name"]: entry["commit"]["id"] for entry in forge.listed(path(slug, "branches"))}


def head(forge: Forge, slug: str, branch: str) -> str | None:
    """The commit that a branch holds; None when there is no such branch."""
    found = forge.find(path(slug, "branches", quote(branch)))
    return str(found["commit"]["id"]) if found else None


def create(forge: Forge, slug: str, branch: str, *, start: str) -> None:
    """Make a branch at a branch or commit; raises ``Conflict`` when there is one."""
    forge.post(path(slug, "branches"), {"new_branch_name": branch, "old_ref_name": start})


def delete(forge: Forge, slug: str, branch: str) -> None:
    """Remove a branch."""
    forge.delete(path(slug, "branches", quote(branch)))


def wait(forge: Forge, slug: str, branch: str, sha: str, deadline: Deadline, *, before: str | None = None) -> None:
    """Wait until the API tells of a push: Gitea follows a moment after git has ended.

    ``before``: what the branch held; a later push than ours is news enough then. Raises ``DeadlineError``.
    """

    def told() -> bool:
        now = head(forge, slug, branch)
        return now == sha or (before is not None and now not in {None, before})

    wait_until(told, deadline, f"{slug}: the API shows {branch} at {sha[:12]}")


def protect(forge: Forge, slug: str, branch: str) -> bool:
    """Let only merges move a branch; whether the forge has such a rule now (one that knows none says False)."""
    body = {"rule_name": branch, "enable_push": False, "enable_force_push": False}
    try:
        forge.post(path(slug, "branch_protections"), body)
    except ForgeError as error:
        if error.status in _UNKNOWN:
            return False
        if error.status not in {403, 409, 422}:  # 403 is what Gitea says when the rule is there
            raise
    return True
