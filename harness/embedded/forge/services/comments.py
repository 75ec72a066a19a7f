"""What is said on pull requests."""

from __future__ import annotations

from harness.embedded.forge import clock
from harness.embedded.forge.errors import EmptyError
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.services import hooks, payloads
from harness.embedded.forge.store import pulls, repositories
from harness.embedded.forge.store.records import Account, Comment, Pull


def create(forge: Forge, doer: Account, found: Pull, body: str, base: str) -> Comment:
    """Say something."""
    now = clock.now()
    key = forge.db.insert("comment", pull_id=found.id, user_id=doer.id, body=body, created=now, updated=now)
    forge.db.update("pull", found.id, updated=now)
    return _told(forge, doer, found, key, "created", base)


def edit(forge: Forge, doer: Account, found: Pull, said: Comment, body: str, base: str) -> Comment:  # noqa: PLR0917
    """Say it otherwise."""
    forge.db.update("comment", said.id, body=body, updated=clock.now())
    return _told(forge, doer, found, said.id, "edited", base)


def delete(forge: Forge, doer: Account, found: Pull, said: Comment, base: str) -> None:
    """Take it back."""
    _tell(forge, doer, found, said, "deleted", base)
    forge.db.run("DELETE FROM comment WHERE id = ?", said.id)


def may_change(doer: Account, said: Comment, *, writer: bool) -> None:
    """Raise ``EmptyError`` unless it is one's own or one may write to the repository."""
    if doer.id != said.user_id and not writer:
        raise EmptyError(403)


def _told(forge: Forge, doer: Account, found: Pull, key: int, action: str, base: str) -> Comment:  # noqa: PLR0917
    said = pulls.comment(forge.db, found.repo_id, key)
    assert said is not None
    _tell(forge, doer, found, said, action, base)
    return said


def _tell(forge: Forge, doer: Account, found: Pull, said: Comment, action: str, base: str) -> None:  # noqa: PLR0917
    repository = repositories.by_id(forge.db, found.repo_id)
    if repository and hooks.wanted(forge, repository, "pull_request_comment"):
        payload = payloads.comment(forge, doer, found, said, action, base)
        hooks.deliver(forge, repository, "pull_request_comment", payload, branch=found.base)
