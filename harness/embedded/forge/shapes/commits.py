"""Commits in the three forms Gitea has for them, branches, and contents of trees."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

from harness.embedded.forge import clock
from harness.embedded.forge.git.history import Changes, Commit, Person
from harness.embedded.forge.git.trees import Entry
from harness.embedded.forge.shapes import people
from harness.embedded.forge.shapes.view import View
from harness.embedded.forge.store import accounts
from harness.embedded.forge.store.records import Repository

Json = dict[str, Any]
_STATUS = {"A": "added", "M": "modified", "D": "removed", "T": "modified"}


def unverified() -> Json:
    """Nothing here signs commits or checks signatures."""
    reason = "gpg.error.not_signed_commit"
    return {"verified": False, "reason": reason, "signature": "", "signer": None, "payload": ""}


def person(who: Person) -> Json:
    """Name, address and time."""
    return {"name": who.name, "email": who.email, "date": who.date}


def _parents(view: View, repository: Repository, commit: Commit) -> list[Json]:
    return [
        {"url": view.api(repository, "git/commits", sha), "sha": sha, "created": clock.ZERO} for sha in commit.parents
    ]


def _account(view: View, who: Person) -> Json | None:
    found = accounts.by_email(view.db, who.email)
    return people.stranger(view, found) if found else None


def commit(view: View, repository: Repository, found: Commit, changes: Changes | None, *, stat: bool) -> Json:
    """A commit as lists and reads show it; without ``changes`` its files are ``null``."""
    api = view.api(repository, "git/commits", found.sha)
    files, stats = None, None
    if changes is not None:
        files = [{"filename": file.path, "status": _STATUS.get(file.status, "modified")} for file in changes.files]
        total = changes.additions + changes.deletions
        stats = {"total": total, "additions": changes.additions, "deletions": changes.deletions}
    return {
        "url": api,
        "sha": found.sha,
        "created": found.committer.date,
        "html_url": view.page(repository, "commit", found.sha),
        "commit": {
            "url": api,
            "author": person(found.author),
            "committer": person(found.committer),
            "message": found.message,
            "tree": {
                "url": view.api(repository, "git/trees", found.sha),
                "sha": found.sha,  # Gitea names the commit here, not its tree
                "created": found.committer.date,
            },
            "verification": unverified(),
        },
        "author": _account(view, found.author),
        "committer": _account(view, found.committer),
        "parents": _parents(view, repository, found),
        "files": files,
        "stats": stats if stat else None,
    }


def payload(
    view: View, repository: Repository, found: Commit, changes: Changes | None = None, *, verified: bool = True
) -> Json:
    """A commit as branches and webhooks show it."""
    return {
        "id": found.sha,
        "message": found.message,
        "url": view.page(repository, "commit", found.sha),
        "author": _payload_person(view, found.author),
        "committer": _payload_person(view, found.committer),
        "verification": unverified() if verified else None,
        "timestamp": found.author.date,
        "added": _paths(changes, "A"),
        "removed": _paths(changes, "D"),
        "modified": _paths(changes, "MT"),
    }


def _payload_person(view: View, who: Person) -> Json:
    account = accounts.by_email(view.db, who.email)
    return {"name": who.name, "email": who.email, "username": account.name if account else ""}


def _paths(changes: Changes | None, letters: str) -> list[str] | None:
    return None if changes is None else [file.path for file in changes.files if file.status in letters]


def branch(view: View, repository: Repository, name: str, found: Commit, rule: Json) -> Json:
    """A branch; ``rule`` says what protects it."""
    return {"name": name, "commit": payload(view, repository, found), **rule}


def file_commit(view: View, repository: Repository, found: Commit) -> Json:
    """The commit that a change of contents made."""
    return {
        "url": view.api(repository, "git/commits", found.sha),
        "sha": found.sha,
        "created": clock.ZERO,
        "html_url": view.page(repository, "commit", found.sha),
        "author": person(found.author),
        "committer": person(found.committer),
        "parents": _parents(view, repository, found),
        "message": found.message,
        "tree": {"url": view.api(repository, "git/trees", found.tree), "sha": found.tree, "created": clock.ZERO},
    }


def contents(  # noqa: PLR0917
    view: View, repository: Repository, entry: Entry, last: Commit, ref: tuple[str, str], data: bytes | None
) -> Json:
    """A file, directory, link or submodule. ``ref`` is its kind (branch, tag, commit) and name; ``data`` its bytes."""
    path, is_file = quote(entry.path), entry.type in {"file", "symlink"}
    this = f"{view.api(repository, 'contents', path)}?ref={quote(ref[1], safe='')}"
    page = view.page(repository, "src", ref[0], quote(ref[1]), path)
    blob = view.api(repository, "git/trees" if entry.type == "submodule" else "git/blobs", entry.sha)
    shown = base64.b64encode(data).decode() if data is not None and entry.type == "file" else None
    return {
        "name": entry.name,
        "path": entry.path,
        "sha": entry.sha,
        "last_commit_sha": last.sha,
        "last_committer_date": last.committer.date,
        "last_author_date": last.author.date,
        "type": entry.type,
        "size": max(entry.size, 0),
        "encoding": "base64" if shown is not None else None,
        "content": shown,
        "target": data.decode(errors="replace") if data is not None and entry.type == "symlink" else None,
        "url": this,
        "html_url": page,
        "git_url": blob,
        "download_url": view.page(repository, "raw", ref[0], quote(ref[1]), path) if is_file else None,
        "submodule_git_url": None,
        "_links": {"self": this, "git": blob, "html": page},
    }
