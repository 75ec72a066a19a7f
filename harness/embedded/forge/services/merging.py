"""Accepting a pull request, and bringing one up to date.

The base branch moves by compare-and-swap. What is about to happen is noted before (``intent``), so that after a crash
``recover`` knows whether the merge took place: the branch holds the noted commit, or it does not.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from harness.embedded.forge import access, clock
from harness.embedded.forge.access import Identity, Mode
from harness.embedded.forge.errors import (
    ConflictError,
    EmptyError,
    ForbiddenError,
    InternalError,
    InvalidError,
    RefusedError,
    not_found,
)
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.git import history, merging
from harness.embedded.forge.git.repository import GitRepository, StaleRefError
from harness.embedded.forge.git.trees import Identity as Who
from harness.embedded.forge.services import branches, events, pulls, rules
from harness.embedded.forge.services.repositories import signature
from harness.embedded.forge.store import accounts, repositories
from harness.embedded.forge.store import pulls as pulls_store
from harness.embedded.forge.store.records import Account, Pull, Repository

_SWITCH = {
    "merge": "allow_merge_commits",
    "rebase": "allow_rebase",
    "rebase-merge": "allow_rebase_explicit",
    "squash": "allow_squash_merge",
    "fast-forward-only": "allow_fast_forward_only_merge",
    "manually-merged": "allow_manual_merge",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """How somebody wants it merged."""

    style: str
    title: str = ""
    message: str = ""
    head: str = ""
    delete_branch: bool = False
    force: bool = False
    commit: str = ""


def merge(forge: Forge, identity: Identity, repository: Repository, number: int, wish: Wish, base: str) -> Pull:  # noqa: PLR0917
    """Merge it; raises what Gitea answers when it cannot be."""
    doer = identity.user
    assert doer is not None
    with forge.lock(repository.id):
        found = pulls.find(forge, repository, number)
        check(forge, identity, repository, found, wish)
        done, old, new = _merge(forge, doer, repository, found, wish)
    events.pull(forge, doer, done, "closed", base)
    if old != new:
        events.pushed(forge, repository, doer, [(f"refs/heads/{found.base}", old, new)], base)
    if wish.delete_branch or repository.option("default_delete_branch_after_merge"):
        _delete_head(forge, identity, done, base)
    return done


def check(
    forge: Forge, identity: Identity, repository: Repository, found: Pull, wish: Wish, *, later: bool = False
) -> None:
    """Raise why it cannot be merged; ``later`` does not ask for what a rule still waits for."""
    if found.merged:
        raise RefusedError("The PR is already merged")
    if found.closed:
        raise not_found()
    if not rules.may_merge(forge, identity, repository, found.base):
        raise RefusedError("User not allowed to merge PR")
    if found.draft:
        raise RefusedError("Work in progress PRs cannot be merged")
    if wish.style != "manually-merged" and not pulls.facts(forge, found).mergeable:
        raise RefusedError("Please try again later")
    admin = access.mode(forge.db, identity, repository) >= Mode.ADMIN
    reason = rules.why_not_ready(forge, repository, found)
    if reason and not later and not (wish.force and admin):
        raise RefusedError(f"not allowed to merge [reason: {reason}]")
    if not repository.option(_SWITCH[wish.style]):
        raise RefusedError(f"{wish.style} is not allowed an allowed merge style for this repository")
    if wish.head and wish.head != found.head_sha:
        raise ConflictError("head out of date")


def _merge(forge: Forge, doer: Account, repository: Repository, found: Pull, wish: Wish) -> tuple[Pull, str, str]:
    git = forge.git(repository.id)
    old = git.branch(found.base)
    if old is None:
        raise not_found()
    try:
        new = _MAKERS[wish.style](git, old, found, _Words(forge, doer, repository, found, wish))
    except merging.MergeConflictError as conflict:
        raise ConflictError(f"merge conflict: {', '.join(conflict.files)}") from conflict
    intent = json.dumps({"sha": new, "by": doer.id, "base": pulls.current_base(forge, found)})
    forge.db.update("pull", found.id, intent=intent)
    try:
        if new != old:
            git.move(f"refs/heads/{found.base}", new, old)
    except StaleRefError as stale:
        forge.db.update("pull", found.id, intent=None)
        raise ConflictError("merge push out of date") from stale
    return _note_merged(forge, found, intent), old, new


def _note_merged(forge: Forge, found: Pull, intent: str) -> Pull:
    noted, now = json.loads(intent), clock.now()
    forge.db.update(
        "pull", found.id, merged=1, closed=1, merged_at=now, closed_at=now, merged_by=noted["by"], intent=None,
        merge_sha=noted["sha"], merge_base=noted["base"], updated=now,
    )  # fmt: skip
    return pulls_store.by_id(forge.db, found.id) or found


@dataclass(frozen=True, slots=True)
class _Words:
    """Who merges, and what the commit says."""

    forge: Forge
    doer: Account
    repository: Repository
    pull: Pull
    wish: Wish

    @property
    def who(self) -> Who:
        return signature(self.doer)

    @property
    def text(self) -> str:
        title = self.wish.title.strip() or self._default()
        body = self.wish.message.strip()
        return f"{title}\n\n{body}\n" if body else f"{title}\n"

    def _default(self) -> str:
        pull = self.pull
        if self.wish.style == "squash":
            return f"{pull.title} (#{pull.number})"
        source = pull.head
        if pull.head_repo_id != pull.repo_id:
            head = repositories.by_id(self.forge.db, pull.head_repo_id)
            source = f"{head.full_name if head else '<deleted>'}:{pull.head}"
        return f"Merge pull request '{pull.title}' (#{pull.number}) from {source} into {pull.base}"

    @property
    def author(self) -> Who:
        return signature(accounts.by_id(self.forge.db, self.pull.user_id))


_Maker = Callable[[GitRepository, str, Pull, _Words], str]


def _make_merge(git: GitRepository, base: str, found: Pull, words: _Words) -> str:
    return merging.merge(git, base, found.head_sha, words.text, words.who)


def _make_squash(git: GitRepository, base: str, found: Pull, words: _Words) -> str:
    author, who, text = words.author, words.who, words.text
    if author != who:
        text += f"\nCo-authored-by: {author.name} <{author.email}>\nCo-committed-by: {author.name} <{author.email}>\n"
    return merging.squash(git, base, found.head_sha, text, author, who)


def _make_rebase(git: GitRepository, base: str, found: Pull, words: _Words) -> str:
    if history.is_ancestor(git, base, found.head_sha) and not _has_merges(git, base, found.head_sha):
        return found.head_sha
    return merging.rebase(git, base, found.head_sha, words.who)


def _has_merges(git: GitRepository, base: str, head: str) -> bool:
    return history.count(git, [head, f"^{base}"], options=("--merges",)) > 0


def _make_rebase_merge(git: GitRepository, base: str, found: Pull, words: _Words) -> str:
    return merging.merge(git, base, _make_rebase(git, base, found, words), words.text, words.who)


def _make_fast_forward(git: GitRepository, base: str, found: Pull, _words: _Words) -> str:
    if not history.is_ancestor(git, base, found.head_sha):
        raise InternalError("Merge DivergingFastForwardOnly Error: Diverging branches can't be fast-forwarded")
    return found.head_sha


def _make_manual(git: GitRepository, base: str, _found: Pull, words: _Words) -> str:
    sha = git.resolve(words.wish.commit) if words.wish.commit else None
    if sha is None or not history.is_ancestor(git, sha, base):
        raise RefusedError("Wrong commit ID")
    return base


_MAKERS: dict[str, _Maker] = {
    "merge": _make_merge,
    "squash": _make_squash,
    "rebase": _make_rebase,
    "rebase-merge": _make_rebase_merge,
    "fast-forward-only": _make_fast_forward,
    "manually-merged": _make_manual,
}


def _delete_head(forge: Forge, identity: Identity, found: Pull, base: str) -> None:
    """Remove the merged branch where nothing stands against it."""
    head = repositories.by_id(forge.db, found.head_repo_id)
    if head is None or pulls_store.open_from(forge.db, head.id, found.head):
        return
    try:
        branches.delete(forge, identity, head, found.head, base)
    except ForbiddenError:
        return  # protected, or the default branch: it stays, and the merge stands


def update(forge: Forge, identity: Identity, repository: Repository, found: Pull, style: str, base: str) -> None:  # noqa: PLR0917
    """Bring the newest base into the head branch, by a merge or a rebase."""
    doer = identity.user
    assert doer is not None
    if found.merged or found.closed:
        raise InvalidError("%!s(<nil>)")  # what Go prints for the error that Gitea forgets to say
    head = repositories.by_id(forge.db, found.head_repo_id)
    if head is None or access.mode(forge.db, identity, head) < Mode.WRITE:
        raise EmptyError(403)
    with forge.lock(head.id):
        old, new = _updated(forge, doer, repository, found, style)
        forge.git(head.id).move(f"refs/heads/{found.head}", new, old)
    events.pushed(forge, head, doer, [(f"refs/heads/{found.head}", old, new)], base)


def _updated(forge: Forge, doer: Account, repository: Repository, found: Pull, style: str) -> tuple[str, str]:
    git = forge.git(repository.id)
    tip = git.branch(found.base)
    if tip is None:
        raise not_found()
    if history.is_ancestor(git, tip, found.head_sha):
        raise InternalError(f"HeadBranch of PR {found.number} is up to date")
    who = signature(doer)
    try:
        if style == "rebase":
            new = merging.rebase(git, tip, found.head_sha, who)
        else:
            new = merging.merge(git, found.head_sha, tip, f"Merge branch '{found.base}' into {found.head}\n", who)
    except merging.MergeConflictError as conflict:
        raise ConflictError(f"{style} failed because of conflict") from conflict
    if found.head_repo_id != repository.id:
        source = str(git.path)
        forge.git(found.head_repo_id).run("fetch", "-q", "--no-write-fetch-head", source, new)
    return found.head_sha, new


def recover(forge: Forge) -> None:
    """Finish or forget merges that a crash interrupted."""
    for found in pulls_store.with_intent(forge.db):
        assert found.intent is not None
        git, sha = forge.git(found.repo_id), json.loads(found.intent)["sha"]
        tip = git.branch(found.base)
        if tip and git.is_object(sha) and history.is_ancestor(git, sha, tip):
            done = _note_merged(forge, found, found.intent)
            by = accounts.by_id(forge.db, done.merged_by)
            events.pull(forge, by, done, "closed", forge.base)
        else:
            forge.db.update("pull", found.id, intent=None)
