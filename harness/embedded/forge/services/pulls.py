"""Pull requests: opening, following their branches, what git says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.embedded.forge import clock
from harness.embedded.forge.errors import ConflictError, InvalidError, MissingError, PreconditionError, not_found
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.git import history, merging
from harness.embedded.forge.shapes import pulls as pulls_shape
from harness.embedded.forge.shapes.pulls import PullFacts
from harness.embedded.forge.shapes.view import View
from harness.embedded.forge.store import accounts, pulls, repositories
from harness.embedded.forge.store.records import Account, Pull, Repository

_MOST_FACTS = 2000


def find(forge: Forge, repository: Repository, number: int) -> Pull:
    """The pull request; raises ``MissingError``."""
    found = pulls.by_number(forge.db, repository.id, number)
    if found is None:
        raise not_found()
    return found


def facts(forge: Forge, found: Pull) -> PullFacts:
    """What git says of it now."""
    base_sha = forge.git(found.repo_id).branch(found.base) or ""
    head_gone = not found.head_repo_id or forge.git(found.head_repo_id).branch(found.head) is None
    if not base_sha:
        return PullFacts("", False, head_gone)
    tip = found.merge_base if found.merged else base_sha
    mergeable, sizes = _judge(forge, found, tip)
    return PullFacts(base_sha, mergeable or found.merged, head_gone, *sizes)


def _judge(forge: Forge, found: Pull, tip: str) -> tuple[bool, tuple[int, int, int]]:
    """Whether it merges, and its size; remembered by the two commits."""
    key = (found.repo_id, tip, found.head_sha)
    if key not in forge.facts:
        if len(forge.facts) > _MOST_FACTS:
            forge.facts.clear()
        forge.facts[key] = (_merges(forge, found, tip), _sizes(changed_files(forge, found)))
    return forge.facts[key]


def _merges(forge: Forge, found: Pull, tip: str) -> bool:
    try:
        merging.merged_tree(forge.git(found.repo_id), tip, found.head_sha)
    except merging.MergeConflictError:
        return False
    return True


def _sizes(changes: Sequence[history.FileChange]) -> tuple[int, int, int]:
    added, removed = (max(change.additions, 0) for change in changes), (max(change.deletions, 0) for change in changes)
    return sum(added), sum(removed), len(changes)


def current_base(forge: Forge, found: Pull) -> str:
    """Where head and base part: now for an open one, as it was for a closed one."""
    git = forge.git(found.repo_id)
    tip = None if found.closed else git.branch(found.base)
    return (history.merge_base(git, tip, found.head_sha) if tip else None) or found.merge_base


def changed_files(forge: Forge, found: Pull) -> list[history.FileChange]:
    """The files that it changes."""
    return history.between(forge.git(found.repo_id), current_base(forge, found), found.head_sha)


def commits(forge: Forge, found: Pull) -> list[history.Commit]:
    """Its commits, newest first."""
    base = current_base(forge, found)
    git = forge.git(found.repo_id)
    bounds = [found.head_sha, f"^{base}"]
    tip = None if found.closed else git.branch(found.base)
    return history.walk(git, [*bounds, *([f"^{tip}"] if tip else [])])


def uncounted(repository: Repository, apply: bool = True) -> Repository:
    """The repository as it was before the pull request that was just opened."""
    return replace(repository, open_pulls=max(repository.open_pulls - 1, 0)) if apply else repository


def shape(
    forge: Forge, view: View, found: Pull, *, listed: bool = False, before_counting: bool = False
) -> dict[str, Any]:
    """Its JSON. ``before_counting``: as Gitea answers the request that opens it."""
    base = repositories.by_id(forge.db, found.repo_id)
    assert base is not None
    head = base if found.head_repo_id == base.id else repositories.by_id(forge.db, found.head_repo_id)
    same = head is base
    base = uncounted(base, before_counting)
    fresh = replace(found, merge_base=current_base(forge, found))
    return pulls_shape.pull(view, fresh, base, base if same else head, facts(forge, found), listed=listed)


def resolve_head(forge: Forge, repository: Repository, head: str) -> tuple[Repository, str]:
    """The repository and branch of ``branch`` or ``owner:branch``."""
    owner, colon, branch = head.partition(":")
    if not colon:
        return repository, head
    account = accounts.by_name(forge.db, owner)
    if account is None:
        raise not_found()
    if account.id == repository.owner_id:
        return repository, branch
    found = repositories.fork_owned_by(forge.db, repository.id, account.id)
    if found is None and repository.fork_of:
        parent = repositories.by_id(forge.db, repository.fork_of)
        found = parent if parent and parent.owner_id == account.id else None
    if found is None:
        raise not_found()
    return found, branch


def create(forge: Forge, doer: Account, repository: Repository, details: dict[str, Any]) -> Pull:
    """Open one; raises ``MissingError`` for a branch that is not there, ``ConflictError`` when it is open already."""
    if details["head"] == details["base"]:
        raise InvalidError("Invalid PullRequest: There are no changes between the head and the base")
    head_repository, head = resolve_head(forge, repository, str(details["head"]))
    base = str(details["base"])
    head_sha, base_sha = _tip(forge, head_repository, head), _tip(forge, repository, base)
    _refuse_second(forge, repository, base, head_repository, head)
    with forge.lock(repository.id):
        return _insert(forge, doer, repository, (head_repository, head, head_sha), (base, base_sha), details)


def _tip(forge: Forge, repository: Repository, name: str) -> str:
    """The commit of a branch; raises ``InvalidError`` for what is another kind of revision, else ``MissingError``."""
    git = forge.git(repository.id)
    sha = git.branch(name)
    if sha is not None:
        return sha
    if git.resolve(name):
        raise InvalidError("Invalid PullRequest: base and head must be branches")
    raise not_found()


def _refuse_second(forge: Forge, repository: Repository, base: str, head_repository: Repository, head: str) -> None:
    known = pulls.open_between(forge.db, repository.id, base, head_repository.id, head)
    if known is None:
        return
    words = (
        f"id: {known.id}, issue_id: {known.id}, head_repo_id: {head_repository.id}, base_repo_id: {repository.id}, "
        f"head_branch: {head}, base_branch: {base}"
    )
    raise ConflictError(f"pull request already exists for these targets [{words}]")


def _insert(  # noqa: PLR0917
    forge: Forge,
    doer: Account,
    repository: Repository,
    head: tuple[Repository, str, str],
    base: tuple[str, str],
    details: dict[str, Any],
) -> Pull:
    git, now = forge.git(repository.id), clock.now()
    if head[0].id != repository.id:
        _bring(forge, repository, head[0], head[2])
    merge_base = history.merge_base(git, base[1], head[2])
    if merge_base is None:
        raise InvalidError("Invalid PullRequest: the histories of head and base have nothing in common")
    with forge.db.write():
        number = take_number(forge, repository)
        git.run("update-ref", f"refs/pull/{number}/head", head[2])
        key = forge.db.insert(
            "pull", repo_id=repository.id, number=number, user_id=doer.id, title=details["title"],
            body=details.get("body") or "", head_repo_id=head[0].id, head=head[1], base=base[0],
            merge_base=merge_base, head_sha=head[2], created=now, updated=now,
        )  # fmt: skip
    made = pulls.by_id(forge.db, key)
    assert made is not None
    return made


def take_number(forge: Forge, repository: Repository) -> int:
    """The next number of the repository; inside a transaction."""
    number = int(forge.db.value("SELECT next_number FROM repository WHERE id = ?", repository.id))
    forge.db.update("repository", repository.id, next_number=number + 1)
    return number


def _bring(forge: Forge, repository: Repository, source: Repository, sha: str) -> None:
    """Fetch a commit of another repository of this forge."""
    forge.git(repository.id).run("fetch", "-q", "--no-write-fetch-head", str(forge.git(source.id).path), sha)


def follow(forge: Forge, found: Pull, sha: str) -> bool:
    """Take the new head of its branch; whether it moved."""
    if sha == found.head_sha:
        return False
    source = repositories.by_id(forge.db, found.head_repo_id)
    target = repositories.by_id(forge.db, found.repo_id)
    if source is None or target is None:
        return False
    if source.id != target.id:
        _bring(forge, target, source, sha)
    forge.git(found.repo_id).run("update-ref", found.ref, sha)
    forge.db.update("pull", found.id, head_sha=sha, updated=clock.now())
    return True


def edit(forge: Forge, found: Pull, changes: dict[str, Any]) -> tuple[Pull, list[str]]:
    """Change title, text, base or state; the new one and the actions that happened."""
    actions: list[str] = []
    values: dict[str, Any] = {key: changes[key] for key in ("body",) if key in changes}
    if changes.get("title") and changes["title"] != found.title:
        values["title"] = changes["title"]
    if "allow_maintainer_edit" in changes:
        values["maintainer_edit"] = changes["allow_maintainer_edit"]
    values |= _new_state(forge, found, changes.get("state"), actions)
    if changes.get("base") and changes["base"] != found.base and not found.merged:
        values["base"] = _new_base(forge, found, str(changes["base"]))
    if any(values.get(key, getattr(found, key)) != getattr(found, key) for key in ("title", "body", "base")):
        actions.insert(0, "edited")
    forge.db.update("pull", found.id, **values, updated=clock.now())
    return pulls.by_id(forge.db, found.id) or found, actions


def changes(old: Pull, new: Pull) -> list[dict[str, Any]]:
    """What an edit has changed, one entry for each delivery that Gitea makes of it."""
    names = {"title": "title", "body": "body", "base": "ref"}
    return [{names[key]: {"from": getattr(old, key)}} for key in names if getattr(old, key) != getattr(new, key)]


def _new_base(forge: Forge, found: Pull, base: str) -> str:
    if forge.git(found.repo_id).branch(base) is None:
        raise MissingError(f"new base '{base}' not exist")
    if found.closed:
        words = f"id: {found.id}, repo_id: {found.repo_id}, index: {found.number}"
        raise InvalidError(f"issue is closed [{words}]")
    repository = repositories.by_id(forge.db, found.repo_id)
    head = repositories.by_id(forge.db, found.head_repo_id)
    if repository and head:
        _refuse_second(forge, repository, base, head, found.head)
    return base


def _new_state(forge: Forge, found: Pull, state: Any, actions: list[str]) -> dict[str, Any]:
    if state is None:
        return {}
    if found.merged:
        raise PreconditionError("cannot change state of this pull request, it was already merged")
    if state not in {"open", "closed"}:
        raise PreconditionError(f"unknown state: {state}")
    if (state == "closed") == found.closed:
        return {}
    actions.append("closed" if state == "closed" else "reopened")
    if state == "closed":
        return {"closed": 1, "closed_at": clock.now(), "merge_base": current_base(forge, found)}
    repository = repositories.by_id(forge.db, found.repo_id)
    head = repositories.by_id(forge.db, found.head_repo_id)
    if repository is None or head is None:
        raise not_found()
    _refuse_second(forge, repository, found.base, head, found.head)
    sha = forge.git(found.head_repo_id).branch(found.head)
    if sha:
        follow(forge, found, sha)
    return {"closed": 0, "closed_at": None}


def set_persons(forge: Forge, found: Pull, role: str, people: Sequence[Account]) -> None:
    """Who is assigned or asked."""
    with forge.db.write():
        forge.db.run("DELETE FROM pull_person WHERE pull_id = ? AND role = ?", found.id, role)
        for who in people:
            forge.db.run("INSERT INTO pull_person VALUES (?, ?, ?)", found.id, who.id, role)
