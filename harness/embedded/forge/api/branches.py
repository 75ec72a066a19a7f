"""Branches and their rules."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from harness.embedded.forge.api import binding, forms, needs
from harness.embedded.forge.api.call import Call, answer, empty, page_headers
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.errors import (
    ConflictError,
    ForbiddenError,
    InternalError,
    InvalidError,
    MissingError,
    no_object,
)
from harness.embedded.forge.git import history, names
from harness.embedded.forge.git.repository import StaleRefError
from harness.embedded.forge.services import branches, events, rules
from harness.embedded.forge.shapes import repository as repository_shape
from harness.embedded.forge.store import repositories

routes = Routes()
_REPO = "/repos/{owner}/{repo}"
_EMPTY = "Git Repository is empty."


@routes.get(f"{_REPO}/branches", needs.READ)
def every(call: Call) -> Response:
    """A page of branches; ``null`` when the repository is empty."""
    if call.repository.empty:
        return answer(None, 200, {"x-total-count": "0"})
    refs = call.git.refs("refs/heads/")
    page = call.slice(refs)
    found = history.read_many(call.git, [ref.sha for ref in page])
    shown = [branches.shape(call.forge, call.view, call.repository, ref.name[11:], found[ref.sha]) for ref in page]
    return answer(shown, 200, page_headers(call, len(refs)))


@routes.post(f"{_REPO}/branches", needs.WRITE)
def create(call: Call) -> Response:
    """A new branch."""
    details = binding.read(call, forms.CREATE_BRANCH)
    if call.repository.empty:
        raise MissingError(_EMPTY)
    name, sha = details["new_branch_name"], _start(call, details)
    branches.create(call.forge, call.identity, call.repository, name, sha, call.base)
    commit = history.read(call.git, sha)
    return answer(branches.shape(call.forge, call.view, call.repository, name, commit), 201)


def _start(call: Call, details: dict[str, Any]) -> str:
    """The commit that a new branch starts from: of any ref, or of a branch where the older field names it."""
    ref, branch = details.get("old_ref_name"), details.get("old_branch_name") or call.repository.default_branch
    sha = call.git.resolve(ref) if ref else call.git.branch(branch)
    if sha is not None:
        return sha
    if ref:
        raise InternalError(no_object(ref))
    raise MissingError("The old branch does not exist")


@routes.get(f"{_REPO}/branches/{{branch*}}", needs.READ)
def read(call: Call) -> Response:
    """One branch."""
    name = call.params["branch"]
    commit = history.read(call.git, branches.find(call.forge, call.repository, name))
    return answer(branches.shape(call.forge, call.view, call.repository, name, commit))


@routes.delete(f"{_REPO}/branches/{{branch*}}", needs.WRITE)
def delete(call: Call) -> Response:
    """Remove a branch."""
    if call.repository.empty:
        raise MissingError(_EMPTY)
    branches.delete(call.forge, call.identity, call.repository, call.params["branch"], call.base)
    return empty()


@routes.patch(f"{_REPO}/branches/{{branch*}}", needs.WRITE)
def rename(call: Call) -> Response:
    """Rename a branch."""
    new = binding.read(call, forms.RENAME_BRANCH)["name"]
    if call.repository.empty:
        raise MissingError(_EMPTY)
    branches.rename(call.forge, call.identity, call.repository, call.params["branch"], new, call.base)
    return empty()


@routes.put(f"{_REPO}/branches/{{branch*}}", needs.WRITE)
def move(call: Call) -> Response:
    """Let a branch hold another commit."""
    details, name, git = binding.read(call, forms.UPDATE_BRANCH), call.params["branch"], call.git
    old = branches.find(call.forge, call.repository, name)
    new = git.resolve(details["new_commit_id"])
    if new is None:
        raise MissingError(no_object(details["new_commit_id"]))
    wanted = details.get("old_commit_id") or old
    if wanted != old:
        raise ConflictError(f"branch commit does not match [expected: {wanted}, given: {old}]")
    if not rules.may_push(call.forge, call.identity, call.repository, name):
        raise ForbiddenError(f"Not allowed to push to protected branch {name}")
    if not details.get("force") and not history.is_ancestor(git, old, new):
        raise InvalidError(f"Force push {name} need a confirm force parameter")
    try:
        git.move(f"refs/heads/{name}", new, old)
    except StaleRefError as stale:
        raise ConflictError("Branch has been updated by another action") from stale
    events.pushed(call.forge, call.repository, call.user, [(f"refs/heads/{name}", old, new)], call.base)
    return empty()


# Rules


@routes.get(f"{_REPO}/branch_protections", needs.ADMINISTER)
def every_rule(call: Call) -> Response:
    """The rules for branches."""
    found = repositories.protections(call.forge.db, call.repository.id)
    return answer([repository_shape.protection(rule) for rule in found])


@routes.post(f"{_REPO}/branch_protections", needs.ADMINISTER)
def protect(call: Call) -> Response:
    """A new rule."""
    details = binding.read(call, forms.PROTECTION)
    name = details.get("rule_name") or details.get("branch_name")
    if not name:
        raise InvalidError("both rule_name and branch_name are empty")
    if not names.is_ref_name(name.replace("*", "x").replace("?", "x")):
        raise InvalidError("invalid rule name")
    made = rules.protect(call.forge, call.repository, name, details)
    return answer(repository_shape.protection(made), 201)


@routes.get(f"{_REPO}/branch_protections/{{name*}}", needs.ADMINISTER)
def rule(call: Call) -> Response:
    """One rule."""
    return answer(repository_shape.protection(rules.protection(call.forge, call.repository, call.params["name"])))


@routes.patch(f"{_REPO}/branch_protections/{{name*}}", needs.ADMINISTER)
def edit_rule(call: Call) -> Response:
    """Change a rule."""
    details = binding.read(call, forms.PROTECTION)
    changed = rules.edit_protection(call.forge, call.repository, call.params["name"], details)
    return answer(repository_shape.protection(changed))


@routes.delete(f"{_REPO}/branch_protections/{{name*}}", needs.ADMINISTER)
def unprotect(call: Call) -> Response:
    """Remove a rule."""
    rules.unprotect(call.forge, call.repository, call.params["name"])
    return empty()
