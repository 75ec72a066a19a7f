"""Branches: reading, making, renaming, removing."""

from __future__ import annotations

from typing import Any

from harness.embedded.forge import access
from harness.embedded.forge.access import Identity, Mode
from harness.embedded.forge.errors import ConflictError, ForbiddenError, InvalidError, MissingError, not_found
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.git import history, names
from harness.embedded.forge.services import events, rules
from harness.embedded.forge.shapes import commits
from harness.embedded.forge.shapes.view import View
from harness.embedded.forge.store import pulls
from harness.embedded.forge.store.records import Repository

Json = dict[str, Any]


def shape(forge: Forge, view: View, repository: Repository, name: str, commit: history.Commit) -> Json:
    """A branch with what protects it and what the viewer may do."""
    rule = rules.rule_for(forge, repository, name)
    writer = view.mode(repository) >= Mode.WRITE
    about = {
        "protected": rule is not None,
        "required_approvals": rule.option("required_approvals", 0) if rule else 0,
        "enable_status_check": bool(rule and rule.option("enable_status_check")),
        "status_check_contexts": rule.option("status_check_contexts", []) if rule else [],
        "user_can_push": rules.may_push(forge, view.identity, repository, name) if rule else writer,
        "user_can_merge": rules.may_merge(forge, view.identity, repository, name) if rule else writer,
        "effective_branch_protection_name": rule.rule if rule else "",
    }
    return commits.branch(view, repository, name, commit, about)


def find(forge: Forge, repository: Repository, name: str) -> str:
    """The commit of the branch; raises ``MissingError``."""
    sha = forge.git(repository.id).branch(name)
    if sha is None:
        raise not_found()
    return sha


def create(forge: Forge, identity: Identity, repository: Repository, name: str, sha: str, base: str) -> None:  # noqa: PLR0917
    """A branch at the commit ``sha``."""
    doer = identity.user
    assert doer is not None
    git = forge.git(repository.id)
    if git.branch(name) is not None:
        raise ConflictError("The branch already exists.")
    if git.check([f"refs/tags/{name}"])[0]:
        raise ConflictError("The branch with the same tag already exists.")
    taken = [ref.name[11:] for ref in git.refs("refs/heads/")]
    if any(known.startswith(f"{name}/") or name.startswith(f"{known}/") for known in taken):
        raise ConflictError("The branch with the same name already exists.")
    git.move(f"refs/heads/{name}", sha, names.ZERO)
    events.pushed(forge, repository, doer, [(f"refs/heads/{name}", names.ZERO, sha)], base)


def delete(forge: Forge, identity: Identity, repository: Repository, name: str, base: str) -> None:
    """Remove a branch; one that is not there is removed already."""
    doer = identity.user
    assert doer is not None
    if name == repository.default_branch:
        raise ForbiddenError("can not delete default or pull request target branch")
    if pulls.open_onto(forge.db, repository.id, name):
        raise ForbiddenError("can not delete default or pull request target branch")
    if rules.rule_for(forge, repository, name):
        raise ForbiddenError("branch protected")
    git = forge.git(repository.id)
    sha = git.branch(name)
    if sha is not None:
        git.remove(f"refs/heads/{name}", sha)
        events.pushed(forge, repository, doer, [(f"refs/heads/{name}", sha, names.ZERO)], base)


def rename(forge: Forge, identity: Identity, repository: Repository, name: str, new: str, base: str) -> None:  # noqa: PLR0917
    """Give a branch another name; pull requests and the default follow."""
    doer = identity.user
    assert doer is not None
    git = forge.git(repository.id)
    sha = git.branch(name)
    if name == new or git.branch(new) is not None:
        raise InvalidError("Cannot rename a branch using the same name or rename to a branch that already exists.")
    if sha is None:
        raise MissingError("Branch doesn't exist.")
    special = name == repository.default_branch or rules.rule_for(forge, repository, name) is not None
    if special and access.mode(forge.db, identity, repository) < Mode.ADMIN:
        raise ForbiddenError("User must be a repo or site admin to rename default or protected branches.")
    git.move(f"refs/heads/{new}", sha, names.ZERO)
    with forge.db.write():
        if name == repository.default_branch:
            forge.db.update("repository", repository.id, default_branch=new)
            git.set_head(new)
        forge.db.run("UPDATE pull SET base = ? WHERE repo_id = ? AND base = ?", new, repository.id, name)
        forge.db.run("UPDATE pull SET head = ? WHERE head_repo_id = ? AND head = ?", new, repository.id, name)
        forge.db.run("UPDATE protection SET rule = ? WHERE repo_id = ? AND rule = ?", new, repository.id, name)
    git.remove(f"refs/heads/{name}", sha)
    moves = [(f"refs/heads/{new}", names.ZERO, sha), (f"refs/heads/{name}", sha, names.ZERO)]
    events.pushed(forge, repository, doer, moves, base)
