"""What webhooks send, and what workflows get as ``github.event``."""

from __future__ import annotations

from typing import Any

from harness.embedded.forge.access import Identity, Mode
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.git import history, names
from harness.embedded.forge.services import pulls
from harness.embedded.forge.shapes import commits, people
from harness.embedded.forge.shapes import pulls as pulls_shape
from harness.embedded.forge.shapes import repository as repository_shape
from harness.embedded.forge.shapes.view import View
from harness.embedded.forge.store import accounts
from harness.embedded.forge.store import repositories as repositories_store
from harness.embedded.forge.store.records import Account, Comment, Pull, Release, Repository, Status

Json = dict[str, Any]
_MOST_COMMITS = 30


def created(view: View, repository: Repository, doer: Account, ref: str, sha: str) -> Json:
    """A branch or tag was made."""
    return {
        "sha": sha,
        "ref": _short(ref),
        "ref_type": _kind(ref),
        "repository": repository_shape.repository(view, repository, Mode.NONE),
        "sender": people.stranger(view, doer),
    }


def deleted(view: View, repository: Repository, doer: Account, ref: str) -> Json:
    """A branch or tag was removed."""
    return {
        "ref": _short(ref),
        "ref_type": _kind(ref),
        "pusher_type": "user",
        "repository": repository_shape.repository(view, repository, Mode.OWNER),
        "sender": people.stranger(view, doer),
    }


def _short(ref: str) -> str:
    return ref.split("/", 2)[2]


def _kind(ref: str) -> str:
    return "tag" if ref.startswith("refs/tags/") else "branch"


def push(view: View, repository: Repository, doer: Account, update: tuple[str, str, str]) -> Json:
    """Commits were pushed, newest first."""
    ref, old, new = update
    git = view.git(repository.id)
    found = _pushed_commits(view, repository, ref, old, new)
    changed = history.changes(git, [commit.sha for commit in found])
    shown = [commits.payload(view, repository, one, changed.get(one.sha), verified=False) for one in found]
    before = old if old != names.ZERO else (found[-1].parents or ("",))[0] if found else ""
    if not before and ref != f"refs/heads/{repository.default_branch}":
        before = repository.default_branch
    who = people.stranger(view, doer)
    return {
        "ref": ref,
        "before": old,
        "after": new,
        "compare_url": view.page(repository, "compare", f"{before}...{new}") if before else f"{view.base}/",
        "commits": shown[:_MOST_COMMITS],
        "total_commits": len(shown),
        "head_commit": shown[0] if shown else None,
        "repository": repository_shape.repository(view, repository, Mode.OWNER),
        "pusher": who,
        "sender": who,
    }


def _pushed_commits(view: View, repository: Repository, ref: str, old: str, new: str) -> list[history.Commit]:
    git = view.git(repository.id)
    if ref.startswith("refs/tags/"):
        return []
    if old != names.ZERO and git.is_object(old):
        return history.walk(git, [new, f"^{old}"], limit=100)
    default = git.branch(repository.default_branch)
    if default is None or ref == f"refs/heads/{repository.default_branch}":
        return history.walk(git, [new], limit=10)
    return history.walk(git, [new, f"^{default}"], limit=10)


def test_push(view: View, repository: Repository, doer: Account) -> Json:
    """The push of one commit, for trying a webhook."""
    git = view.git(repository.id)
    sha = git.branch(repository.default_branch)
    if sha is None:
        return {"ref": f"refs/heads/{repository.default_branch}", "before": names.ZERO, "after": names.ZERO}
    shown = commits.payload(view, repository, history.read(git, sha))
    who = people.stranger(view, doer)
    return {
        "ref": f"refs/heads/{repository.default_branch}",
        "before": sha,
        "after": sha,
        "compare_url": view.page(repository, "compare", f"{sha}...{sha}"),
        "commits": [shown],
        "total_commits": 1,
        "head_commit": shown,
        "repository": repository_shape.repository(view, repository, Mode.NONE),
        "pusher": who,
        "sender": who,
    }


def pull(forge: Forge, doer: Account, found: Pull, action: str, base: str, *, before: str = "") -> Json:
    """Something happened to a pull request."""
    repository = repositories_store.by_id(forge.db, found.repo_id)
    assert repository is not None
    view = forge.view(Identity(doer), base)
    return {
        "action": action,
        "number": found.number,
        "pull_request": pulls.shape(forge, view, found, before_counting=action == "opened"),
        "requested_reviewer": None,
        "repository": repository_shape.repository(view, pulls.uncounted(repository, action == "opened")),
        "sender": people.stranger(view, doer),
        "commit_id": "",
        "review": None,
        **({"before": before, "after": found.head_sha} if before else {}),
    }


def comment(forge: Forge, doer: Account, found: Pull, said: Comment, action: str, base: str) -> Json:  # noqa: PLR0917
    """Something was said on a pull request."""
    repository = repositories_store.by_id(forge.db, found.repo_id)
    assert repository is not None
    view = forge.view(Identity(doer), base)
    shown = pulls.shape(forge, view, found)
    return {
        "action": action,
        "issue": pulls_shape.issue(view, repository, found, shown),
        "pull_request": shown,
        "comment": pulls_shape.comment(view, repository, found, said),
        "repository": repository_shape.repository(view, repository),
        "sender": people.stranger(view, doer),
        "is_pull": True,
    }


def review(forge: Forge, doer: Account, found: Pull, kind: str, body: str, base: str) -> Json:  # noqa: PLR0917
    """A verdict was given."""
    shape = pull(forge, doer, found, "reviewed", base)
    return shape | {"review": {"type": kind, "content": body}, "commit_id": found.head_sha}


def repository(view: View, found: Repository, doer: Account, action: str) -> Json:
    """A repository was made or removed."""
    owner = accounts.by_id(view.db, found.owner_id)
    return {
        "action": action,
        "repository": repository_shape.repository(view, found, Mode.OWNER),
        "organization": people.stranger(view, owner),
        "sender": people.stranger(view, doer),
    }


def release(view: View, within: Repository, doer: Account, made: Release, action: str) -> Json:
    """Notes of a tag were published, updated or deleted."""
    return {
        "action": action,
        "release": repository_shape.release(view, within, made),
        "repository": repository_shape.repository(view, within),
        "sender": people.stranger(view, doer),
    }


def fork(view: View, source: Repository, copy: Repository, doer: Account) -> Json:
    """A repository was forked."""
    return {
        "forkee": repository_shape.repository(view, source, Mode.OWNER),
        "repository": repository_shape.repository(view, copy, Mode.OWNER),
        "sender": people.stranger(view, doer),
    }


def status(view: View, found: Repository, doer: Account, key: int) -> Json:
    """A status was set."""
    made = view.db.one(Status, "SELECT * FROM status WHERE id = ?", key)
    assert made is not None
    commit = history.read(view.git(found.id), made.sha)
    return {
        "id": made.id,
        "sha": made.sha,
        "commit": commits.payload(view, found, commit, verified=False),
        "context": made.context,
        "state": made.state,
        "description": made.description,
        "target_url": made.target_url,
        "repository": repository_shape.repository(view, found, Mode.OWNER),
        "sender": people.stranger(view, doer),
    }
