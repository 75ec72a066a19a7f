"""Files of a repository: reading them, and committing changes to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.embedded.forge import gobase64
from harness.embedded.forge.access import Identity
from harness.embedded.forge.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    MissingError,
    no_object,
    not_found,
)
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.git import history, names, trees
from harness.embedded.forge.git.repository import GitRepository, StaleRefError
from harness.embedded.forge.git.trees import Edit, Entry
from harness.embedded.forge.git.trees import Identity as Who
from harness.embedded.forge.services import events, rules
from harness.embedded.forge.services.repositories import signature
from harness.embedded.forge.shapes import commits
from harness.embedded.forge.shapes.view import View
from harness.embedded.forge.store.records import Account, Repository

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """A commit by the name it was asked for: ``kind`` is branch, tag or commit."""

    kind: str
    name: str
    sha: str


def place(forge: Forge, repository: Repository, rev: str) -> Place:
    """The commit that ``rev`` (empty: the default branch) names; raises ``MissingError``."""
    git, wanted = forge.git(repository.id), rev or repository.default_branch
    short = wanted.removeprefix("refs/heads/").removeprefix("refs/tags/")
    if names.is_ref_name(short):
        specs = [f"refs/heads/{short}^{{commit}}", f"refs/tags/{short}^{{commit}}"]
        for kind, entry in zip(("branch", "tag"), git.check(specs), strict=True):
            if entry:
                return Place(kind, short, entry[0])
    sha = git.resolve(wanted)
    if sha is None:
        raise not_found(no_object(wanted))
    return Place("commit", wanted, sha)


def entry(git: GitRepository, where: Place, path: str) -> Entry:
    """What stands at ``path``; raises ``MissingError``."""
    found = trees.find(git, where.sha, path)
    if found is None:
        raise MissingError("GetContentsOrList", errors=[no_object("", path)])
    return found


def read(forge: Forge, view: View, repository: Repository, path: str, rev: str) -> Json | list[Json]:
    """A file, or what a directory holds."""
    git, where = forge.git(repository.id), place(forge, repository, rev)
    clean = path.strip("/")
    if clean:
        found = entry(git, where, clean)
        if found.kind != "tree":
            return shapes(view, repository, git, where, [found], data=True)[0]
    return shapes(view, repository, git, where, trees.listing(git, where.sha, clean), data=False)


def shapes(
    view: View, repository: Repository, git: GitRepository, where: Place, found: Sequence[Entry], *, data: bool
) -> list[Json]:
    """Entries of one directory as JSON; ``data`` adds what files hold."""
    if not found:
        return []
    directory = found[0].path.rpartition("/")[0]
    last = trees.last_commits(git, where.sha, directory, [one.path for one in found])
    read_commits = history.read_many(git, sorted(set(last.values())))
    made = []
    for one in found:
        raw = git.blob(one.sha) if one.kind == "blob" and (data or one.type == "symlink") else None
        shape = commits.contents(view, repository, one, read_commits[last[one.path]], (where.kind, where.name), raw)
        if one.type == "submodule":
            shape["submodule_git_url"] = submodule_url(git, where.sha, one.path)
        made.append(shape)
    return made


def submodule_url(git: GitRepository, sha: str, path: str) -> str | None:
    """The address that ``.gitmodules`` has for a submodule."""
    if trees.find(git, sha, ".gitmodules") is None:
        return None
    argv = ["config", f"--blob={sha}:.gitmodules", "--get-regexp", r"^submodule\..*\.(path|url)$"]
    values = dict(line.split(" ", 1) for line in git.run(*argv, check=False).text.splitlines() if " " in line)
    for key, value in values.items():
        if key.endswith(".path") and value == path:
            return values.get(f"{key[:-5]}.url")
    return None


# Changing


@dataclass(frozen=True, slots=True)
class Operation:
    """One change: create, update, upload, rename or delete. ``content`` is base64, ``sha`` what is replaced."""

    what: str
    path: str
    content: str | None = None
    sha: str = ""
    from_path: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A commit to be made."""

    operations: tuple[Operation, ...]
    message: str = ""
    branch: str = ""
    new_branch: str = ""
    author: Who | None = None
    committer: Who | None = None
    signoff: bool = False


def decode(content: str) -> bytes:
    """What base64 stands for; raises ``InvalidError`` naming the wrong byte."""
    try:
        return gobase64.decode(content)
    except gobase64.CorruptError as wrong:
        raise InvalidError(str(wrong)) from wrong


def commit(forge: Forge, identity: Identity, repository: Repository, change: Change, base: str) -> str:
    """Make the commit and move the branch; its name."""
    doer = identity.user
    assert doer is not None
    git, branch = forge.git(repository.id), change.branch or repository.default_branch
    old = git.branch(branch)
    if old is None and not repository.empty:
        raise MissingError(f"branch does not exist [name: {branch}]")
    target = change.new_branch or branch
    if target != branch and git.branch(target):
        raise InvalidError(f"branch already exists [name: {target}]")
    if not rules.may_push(forge, identity, repository, target):
        raise ForbiddenError(_may_not(doer))
    new = _make(git, old, change, doer)
    before = old if target == branch and old else names.ZERO
    try:
        git.move(f"refs/heads/{target}", new, before)
    except StaleRefError as stale:
        raise ConflictError("the branch has moved meanwhile") from stale
    events.pushed(forge, repository, doer, [(f"refs/heads/{target}", before, new)], base)
    return new


def _may_not(doer: Account) -> str:
    """Why one may not change files of a protected branch; Gitea asks administrators later than others."""
    if doer.admin:
        return f"user cannot commit to repo [user: {doer.lower_name}]"
    return "user should have a permission to write to the target branch"


def _make(git: GitRepository, old: str | None, change: Change, doer: Account) -> str:
    edits = [edit for operation in change.operations for edit in _edits(git, old, operation)]
    tree = trees.edited_tree(git, old, edits)
    who = signature(doer)
    committer = change.committer or change.author or who
    author = change.author or change.committer or who
    message = change.message.strip() or _default_message(change.operations)
    trailer = f"\nSigned-off-by: {committer.name} <{committer.email}>\n" if change.signoff else ""
    return trees.commit_tree(git, tree, [old] if old else [], f"{message}\n{trailer}", author, committer)


def _default_message(operations: Sequence[Operation]) -> str:
    """What was done to which files, as Gitea says it where nobody said anything."""
    said = {"create": "Add", "update": "Update", "upload": "Update", "rename": "Update", "delete": "Delete"}
    lines = []
    for word in ("Add", "Update", "Delete"):
        paths = [one.path for one in operations if said[one.what] == word]
        lines += [f"{word} {', '.join(paths)}"] if paths else []
    return "\n".join(lines)


def _edits(git: GitRepository, commit_sha: str | None, operation: Operation) -> list[Edit]:
    path = operation.path.strip("/")
    if not names.is_tree_path(path):
        raise InvalidError(f"path contains a malformed path component [path: {operation.path}]")
    known = trees.find(git, commit_sha, path) if commit_sha else None
    source_path = operation.from_path.strip("/") or path
    source = trees.find(git, commit_sha, source_path) if commit_sha and source_path != path else known
    _check(operation, path, known, source)
    if operation.what == "delete":
        return [Edit(path, None)]
    if operation.content is None and source:
        blob = source.sha
    else:
        blob = trees.write_blob(git, decode(operation.content or ""))
    made = [Edit(path, blob, source.mode if source and source.kind == "blob" else "100644")]
    return made if source_path == path else [Edit(source_path, None), *made]


def _check(operation: Operation, path: str, known: Entry | None, source: Entry | None) -> None:
    if operation.what == "create":
        if known:
            raise InvalidError(f"repository file already exists [path: {path}]")
        return
    if source is None and operation.what != "upload":
        missing = operation.from_path.strip("/") or path
        raise MissingError(no_object("", missing))
    if operation.sha and source and operation.sha != source.sha:
        raise InvalidError(f"sha does not match [given: {operation.sha}, expected: {source.sha}]")
    if operation.what == "update" and not operation.sha:
        raise InvalidError("a SHA or commit ID must be provided when updating a file")


def answer(forge: Forge, view: View, repository: Repository, sha: str, paths: Sequence[str], branch: str) -> Json:  # noqa: PLR0917
    """What the change of contents answers: the files that are there now, and the commit."""
    git = forge.git(repository.id)
    where = Place("branch", branch, sha)
    found = [one for path in paths if (one := trees.find(git, sha, path.strip("/")))]
    files = [shapes(view, repository, git, where, [one], data=True)[0] for one in found]
    made = history.read(git, sha)
    return {
        "files": files,
        "commit": commits.file_commit(view, repository, made),
        "verification": commits.unverified(),
    }


def who(details: Mapping[str, Any] | None, dates: Mapping[str, Any], role: str) -> Who | None:
    """An author or committer from a request's body."""
    date = str((dates or {}).get(role) or "")
    if not details or not (details.get("name") or details.get("email")):
        return None
    return Who(str(details.get("name") or ""), str(details.get("email") or ""), date)
