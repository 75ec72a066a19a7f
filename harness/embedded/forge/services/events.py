"""What has happened, told to everybody whom it concerns: pull requests, webhooks, workflows.

A push is noted as told (``known_ref``) in the same transaction as its consequences, so that after a crash
``recover`` finds what was pushed and not told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.embedded.forge import clock
from harness.embedded.forge.access import Identity
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.git import names
from harness.embedded.forge.services import hooks, payloads, pulls, runs
from harness.embedded.forge.shapes import people
from harness.embedded.forge.store import accounts, repositories
from harness.embedded.forge.store import pulls as pulls_store
from harness.embedded.forge.store.records import Account, Pull, Release, Repository

Update = tuple[str, str, str]  # full ref, old commit, new commit (``names.ZERO``: none)


def pushed(forge: Forge, repository: Repository, doer: Account, updates: Sequence[Update], base: str) -> None:
    """Refs have moved, by a push or by the forge itself."""
    with forge.db.write():
        current = _first_push(forge, repository, updates)
        for ref, _, new in updates:
            _note(forge, current, ref, new)
            _note_tag(forge, current, doer, ref, new)
        size = forge.git(repository.id).size_kib()
        forge.db.update("repository", repository.id, updated=clock.now(), size=size)
    _tell(forge, current.id, doer, updates, base)
    forge.checks.ring()


def _first_push(forge: Forge, repository: Repository, updates: Sequence[Update]) -> Repository:
    """An empty repository stops being so, and takes the pushed branch as its default if it has no other."""
    branches = [ref[11:] for ref, _, new in updates if ref.startswith("refs/heads/") and new != names.ZERO]
    if repository.empty and branches:
        default = repository.default_branch if repository.default_branch in branches else branches[0]
        forge.db.update("repository", repository.id, empty=0, default_branch=default)
        forge.git(repository.id).set_head(default)
    return repositories.by_id(forge.db, repository.id) or repository


def _note(forge: Forge, repository: Repository, ref: str, new: str) -> None:
    if new == names.ZERO:
        forge.db.run("DELETE FROM known_ref WHERE repo_id = ? AND ref = ?", repository.id, ref)
    else:
        forge.db.run("INSERT OR REPLACE INTO known_ref VALUES (?, ?, ?)", repository.id, ref, new)


def _note_tag(forge: Forge, repository: Repository, doer: Account, ref: str, new: str) -> None:
    """A tag is a release without notes."""
    tag = ref.removeprefix("refs/tags/")
    if tag == ref:
        return
    if new == names.ZERO:
        sql = "DELETE FROM release WHERE repo_id = ? AND tag = ? AND only_tag = 1"
        forge.db.run(sql, repository.id, tag)
    elif repositories.release_of_tag(forge.db, repository.id, tag) is None:
        values = {"repo_id": repository.id, "tag": tag, "author_id": doer.id}
        forge.db.insert("release", **values, only_tag=1, created=clock.now())


def _tell(forge: Forge, repo_id: int, doer: Account, updates: Sequence[Update], base: str) -> None:
    for ref, old, new in updates:
        repository = repositories.by_id(forge.db, repo_id)
        if repository is None:
            return
        if ref.startswith("refs/heads/"):
            _sync_pulls(forge, repository, doer, ref[11:], (old, new), base)
        _hooks(forge, repository, doer, (ref, old, new), base)
        if new != names.ZERO:
            runs.on_push(forge, repository, doer, (ref, old, new), base)


def _hooks(forge: Forge, repository: Repository, doer: Account, update: Update, base: str) -> None:
    ref, old, new = update
    view = forge.view(base=base)
    branch = ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""
    if new == names.ZERO:
        hooks.deliver(forge, repository, "delete", payloads.deleted(view, repository, doer, ref), branch=branch)
        return
    if old == names.ZERO:
        hooks.deliver(forge, repository, "create", payloads.created(view, repository, doer, ref, new), branch=branch)
    if hooks.wanted(forge, repository, "push"):
        hooks.deliver(forge, repository, "push", payloads.push(view, repository, doer, update), branch=branch)


def _sync_pulls(  # noqa: PLR0917
    forge: Forge, repository: Repository, doer: Account, branch: str, change: tuple[str, str], base: str
) -> None:
    """Open pull requests from the branch follow it; a branch that is gone leaves them as they are."""
    if change[1] == names.ZERO:
        return
    for found in pulls_store.open_from(forge.db, repository.id, branch):
        if pulls.follow(forge, found, change[1]):
            fresh = pulls_store.by_id(forge.db, found.id)
            assert fresh is not None
            pull(forge, doer, fresh, "synchronized", base, kind="pull_request_sync", before=change[0])


def pull(
    forge: Forge,
    doer: Account,
    found: Pull,
    action: str,
    base: str,
    *,
    kind: str = "pull_request",
    before: str = "",
    more: dict[str, Any] | None = None,
) -> None:
    """Something happened to a pull request. ``kind`` is the event's full type, ``more`` of its payload."""
    repository = repositories.by_id(forge.db, found.repo_id)
    if repository is None:
        return
    if hooks.wanted(forge, repository, kind):
        payload = payloads.pull(forge, doer, found, action, base, before=before) | (more or {})
        hooks.deliver(forge, repository, kind, payload, branch=found.base)
    if action in runs.PULL_ACTIONS:
        runs.on_pull(forge, repository, doer, found, action, base)


def edited(forge: Forge, doer: Account, old: Pull, new: Pull, actions: Sequence[str], base: str) -> None:  # noqa: PLR0917
    """A pull request was changed from ``old`` to ``new`` by ``actions``."""
    for action in actions:
        told = pulls.changes(old, new) if action == "edited" else []
        for change in told:
            pull(forge, doer, new, action, base, more={"changes": change})
        if not told:
            pull(forge, doer, new, action, base)


def assigned(forge: Forge, doer: Account, found: Pull, before: Sequence[Account], base: str) -> None:
    """People were given a pull request to do, or relieved of it."""
    after = pulls_store.persons(forge.db, found.id, "assignee")
    for action, gone, there in (("unassigned", before, after), ("assigned", after, before)):
        for _ in [one for one in gone if one not in there]:
            pull(forge, doer, found, action, base, kind="pull_request_assign")


def asked(forge: Forge, doer: Account, found: Pull, who: Account, action: str, base: str) -> None:  # noqa: PLR0917
    """Somebody was asked for a verdict (``review_requested``), or is asked no more (``review_request_removed``)."""
    more = {"requested_reviewer": people.stranger(forge.view(Identity(doer), base), who)}
    pull(forge, doer, found, action, base, kind="pull_request_review_request", more=more)


def release(forge: Forge, doer: Account, within: Repository, made: Release, action: str, base: str) -> None:  # noqa: PLR0917
    """Notes of a tag were published, updated or deleted; drafts are nobody's business."""
    if not made.draft and hooks.wanted(forge, within, "release"):
        view = forge.view(Identity(doer), base)
        hooks.deliver(forge, within, "release", payloads.release(view, within, doer, made, action))


def repository(forge: Forge, doer: Account, found: Repository, action: str, base: str) -> None:
    """A repository was made or removed."""
    if hooks.wanted(forge, found, "repository"):
        payload = payloads.repository(forge.view(base=base), found, doer, action)
        hooks.deliver(forge, found, "repository", payload)


def forked(forge: Forge, doer: Account, source: Repository, copy: Repository, base: str) -> None:
    """A repository was forked."""
    if hooks.wanted(forge, source, "fork"):
        hooks.deliver(forge, source, "fork", payloads.fork(forge.view(base=base), source, copy, doer))


def status(forge: Forge, doer: Account, found: Repository, key: int, base: str) -> None:
    """A status was set."""
    if hooks.wanted(forge, found, "status"):
        hooks.deliver(forge, found, "status", payloads.status(forge.view(base=base), found, doer, key))


def recover(forge: Forge) -> int:
    """Tell what was pushed before a crash and not told; how many refs that were."""
    count = 0
    for found in repositories.every(forge.db):
        updates = _untold(forge, found)
        if updates:
            count += len(updates)
            pushed(forge, found, accounts.by_id(forge.db, found.owner_id), updates, forge.base)
    return count


def _untold(forge: Forge, found: Repository) -> list[Update]:
    git = forge.git(found.id)
    if not git.path.exists():
        git.create(found.default_branch)
    actual = {ref.name: ref.sha for ref in git.refs("refs/heads/", "refs/tags/")}
    known = repositories.known_refs(forge.db, found.id)
    moved = [(ref, known.get(ref, names.ZERO), sha) for ref, sha in actual.items() if known.get(ref) != sha]
    return moved + [(ref, sha, names.ZERO) for ref, sha in known.items() if ref not in actual]
