"""What checks say of commits."""

from __future__ import annotations

from typing import Any

from harness.embedded.forge import clock
from harness.embedded.forge.errors import InternalError, no_object
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.store.records import Account, Repository, Status


def create(forge: Forge, doer: Account | None, repository: Repository, rev: str, details: dict[str, Any]) -> Status:
    """Say something of a commit; an unknown commit is 500, as in Gitea."""
    sha = forge.git(repository.id).resolve(rev)
    if sha is None:
        raise InternalError(f"GetCommit[{rev}]: {no_object(rev)}")
    return put(forge, repository, sha, details, creator=doer)


def put(
    forge: Forge, repository: Repository, sha: str, details: dict[str, Any], *, creator: Account | None = None
) -> Status:
    """Write a status of a commit that is known to exist."""
    key = forge.db.insert(
        "status", repo_id=repository.id, sha=sha, context=details.get("context") or "",
        state=details.get("state") or "", description=details.get("description") or "",
        target_url=details.get("target_url") or "", creator_id=creator.id if creator else None, created=clock.now(),
    )  # fmt: skip
    made = forge.db.one(Status, "SELECT * FROM status WHERE id = ?", key)
    assert made is not None
    forge.checks.ring()
    return made
