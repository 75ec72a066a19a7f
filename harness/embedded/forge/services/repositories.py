"""Repositories: making, finding, changing, forking, deleting."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from harness.embedded.forge import access, clock
from harness.embedded.forge.access import Identity, Mode
from harness.embedded.forge.errors import (
    ConflictError,
    InternalError,
    InvalidError,
    MissingError,
    no_user,
    not_found,
)
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.git import names, trees
from harness.embedded.forge.git.trees import Edit
from harness.embedded.forge.git.trees import Identity as Who
from harness.embedded.forge.services import events
from harness.embedded.forge.store import accounts, repositories
from harness.embedded.forge.store.records import DEFAULT_OPTIONS, Account, Repository

_COLUMNS = ("description", "website", "private", "template")


class MovedError(Exception):
    """The repository has another name now."""

    def __init__(self, repository: Repository) -> None:
        super().__init__(repository.full_name)
        self.repository = repository


def find(forge: Forge, identity: Identity, owner: str, name: str) -> Repository:
    """The repository, if the asker may see it; raises ``MissingError``, or ``MovedError`` after a rename."""
    account = accounts.by_name(forge.db, owner)
    if account is None:
        raise MissingError("GetUserByName", errors=[no_user(owner)])
    found = repositories.by_name(forge.db, account.id, name)
    moved = None if found else repositories.redirected(forge.db, account.id, name)
    target = found or moved
    if target is None or access.mode(forge.db, identity, target) < Mode.READ:
        raise not_found()
    if moved:
        raise MovedError(moved)
    return target


def readable(forge: Forge, identity: Identity, found: list[Repository]) -> list[Repository]:
    """Those that the asker may see."""
    return [one for one in found if access.mode(forge.db, identity, one) >= Mode.READ]


def check_name(name: str) -> None:
    """Raise what Gitea answers for a name that a repository may not have."""
    if name in {".", ".."} or re.search(r"[^-.\w]", name, re.ASCII):
        words = "must be valid alpha or numeric or dash(-_) or dot characters"
        raise InternalError(f"name is invalid [{name}]: {words}")
    if name == "-":
        raise InvalidError(f"name is reserved [name: {name}]")
    for ending in (".git", ".wiki", ".rss", ".atom"):
        if name.lower().endswith(ending):
            raise InvalidError(f"name pattern is not allowed [pattern: *{ending}]")


def create(forge: Forge, doer: Account, owner: Account, details: Mapping[str, Any], base: str = "") -> Repository:
    """A new repository; ``details`` as the body of the request has them."""
    name, branch = str(details["name"]), str(details.get("default_branch") or "main")
    check_name(name)
    if repositories.by_name(forge.db, owner.id, name):
        raise ConflictError("The repository with the same name already exists.")
    with forge.db.write():
        sql = "DELETE FROM repository_redirect WHERE owner_id = ? AND lower_name = ?"
        forge.db.run(sql, owner.id, name.lower())
        columns = {key: details.get(key) or "" for key in ("description",)}
        flags = {key: bool(details.get(key)) for key in ("private", "template")}
        key = _insert(forge, owner, name, default_branch=branch, **columns, **flags)
        forge.git(key).create(branch)
    if details.get("auto_init"):
        _first_commit(forge, doer, key, base)
    events.repository(forge, doer, _loaded(forge, key), "created", base)
    return _loaded(forge, key)


def _insert(forge: Forge, owner: Account, name: str, **more: Any) -> int:
    now = clock.now()
    values = {"owner_id": owner.id, "name": name, "lower_name": name.lower(), "created": now, "updated": now}
    return forge.db.insert("repository", **values, **more)


def _loaded(forge: Forge, key: int) -> Repository:
    found = repositories.by_id(forge.db, key)
    assert found is not None
    return found


def _first_commit(forge: Forge, doer: Account, key: int, base: str) -> None:
    repository, git = _loaded(forge, key), forge.git(key)
    text = f"# {repository.name}\n\n{repository.description}"
    blob = trees.write_blob(git, text.encode())
    tree = trees.edited_tree(git, None, [Edit("README.md", blob)])
    who = signature(doer)
    commit = trees.commit_tree(git, tree, [], "Initial commit\n", who, who)
    ref = f"refs/heads/{repository.default_branch}"
    git.move(ref, commit, names.ZERO)
    events.pushed(forge, repository, doer, [(ref, names.ZERO, commit)], base)


def signature(account: Account) -> Who:
    """Name and address of an account for a commit that the forge makes in its name."""
    hidden = f"{account.lower_name}@noreply.localhost"
    return Who(account.full_name or account.name, account.email or hidden)


def edit(forge: Forge, repository: Repository, changes: Mapping[str, Any]) -> Repository:
    """Change what the names of ``changes`` say; a new name leaves a redirect behind."""
    values: dict[str, Any] = {key: changes[key] for key in _COLUMNS if key in changes}
    values["options"] = json.dumps({**json.loads(repository.options), **_options(changes)})
    if "archived" in changes:
        values |= {"archived": changes["archived"], "archived_at": clock.now() if changes["archived"] else 0}
    branch = changes.get("default_branch")
    if branch and branch != repository.default_branch:
        values["default_branch"] = _default_branch(forge, repository, branch)
    with forge.db.write():
        name = changes.get("name")
        if name and name != repository.name:
            values |= _renamed(forge, repository, name)
        forge.db.update("repository", repository.id, **values, updated=clock.now())
    return _loaded(forge, repository.id)


def _options(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The switches that ``changes`` sets; those of merging count only together with ``has_pull_requests``."""
    wanted = {key: changes[key] for key in DEFAULT_OPTIONS if key in changes}
    if changes.get("has_pull_requests"):
        return wanted
    return {key: value for key, value in wanted.items() if key.startswith("has_") or key == "projects_mode"}


def _default_branch(forge: Forge, repository: Repository, branch: str) -> str:
    """The new one, or the old one when there is no such branch: Gitea passes over such a wish."""
    git = forge.git(repository.id)
    if not repository.empty and git.branch(branch) is None:
        return repository.default_branch
    git.set_head(branch)
    return branch


def _renamed(forge: Forge, repository: Repository, name: str) -> dict[str, Any]:
    check_name(name)
    other = repositories.by_name(forge.db, repository.owner_id, name)
    if other and other.id != repository.id:
        raise InvalidError(f"repo name is already taken [name: {name}]")
    sql = "DELETE FROM repository_redirect WHERE owner_id = ? AND lower_name = ?"
    forge.db.run(sql, repository.owner_id, name.lower())
    if name.lower() != repository.lower_name:
        sql = "INSERT OR REPLACE INTO repository_redirect VALUES (?, ?, ?)"
        forge.db.run(sql, repository.owner_id, repository.lower_name, repository.id)
    return {"name": name, "lower_name": name.lower()}


def transfer(forge: Forge, repository: Repository, owner: Account) -> Repository:
    """Give it to another account; the old address leads to it."""
    if repositories.by_name(forge.db, owner.id, repository.name):
        raise InvalidError(f"repository already exists [uname: {owner.name}, name: {repository.name}]")
    with forge.db.write():
        sql = "INSERT OR REPLACE INTO repository_redirect VALUES (?, ?, ?)"
        forge.db.run(sql, repository.owner_id, repository.lower_name, repository.id)
        forge.db.update("repository", repository.id, owner_id=owner.id)
    return _loaded(forge, repository.id)


def delete(forge: Forge, doer: Account, repository: Repository, base: str) -> None:
    """Remove it with everything; row first, so that a crash leaves an orphan directory and no dead row."""
    events.repository(forge, doer, repository, "deleted", base)
    with forge.db.write():
        for table in ("variable", "secret"):
            forge.db.run(f"DELETE FROM {table} WHERE repo_id = ?", repository.id)  # noqa: S608
        forge.db.run("UPDATE pull SET head_repo_id = 0 WHERE head_repo_id = ? AND repo_id <> ?", *[repository.id] * 2)
        forge.db.run("DELETE FROM repository WHERE id = ?", repository.id)
    forge.git(repository.id).delete()


def fork(forge: Forge, doer: Account, repository: Repository, owner: Account, name: str, base: str) -> Repository:  # noqa: PLR0917
    """A copy that remembers where it came from."""
    known = repositories.fork_owned_by(forge.db, repository.id, owner.id)
    if known:
        words = f"uname: {owner.name}, repo path: {repository.full_name}, fork path: {known.full_name}"
        raise ConflictError(f"repository is already forked by user [{words}]")
    check_name(name)
    if repositories.by_name(forge.db, owner.id, name):
        raise ConflictError(f"repository already exists [uname: {owner.name}, name: {name}]")
    key = _copy(forge, repository, owner, name)
    events.forked(forge, doer, repository, _loaded(forge, key), base)
    return _loaded(forge, key)


_FORK_OPTIONS = ("has_issues", "has_wiki", "has_projects", "has_releases", "has_packages", "has_actions")


def _copy(forge: Forge, repository: Repository, owner: Account, name: str) -> int:
    options = json.dumps(dict.fromkeys(_FORK_OPTIONS, False))
    kept = {
        "description": repository.description,
        "private": repository.private,
        "default_branch": repository.default_branch,
        "empty": repository.empty,
        "size": repository.size,
    }
    with forge.db.write():
        key = _insert(forge, owner, name, fork_of=repository.id, options=options, **kept)
        git = forge.git(key)
        git.create(repository.default_branch)
        source = str(forge.git(repository.id).path)
        git.run("fetch", "-q", source, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        for ref in git.refs("refs/heads/"):
            forge.db.run("INSERT INTO known_ref VALUES (?, ?, ?)", key, ref.name, ref.sha)
    return key


def archive(forge: Forge, repository: Repository, sha: str, form: str, prefix: str) -> bytes:
    """A commit's files as ``zip`` or ``tar.gz``, below the directory ``prefix``."""
    return forge.git(repository.id).run("archive", f"--format={form}", f"--prefix={prefix}/", sha).stdout
