"""Tokens and ssh keys."""

from __future__ import annotations

from starlette.responses import Response

from harness.embedded.forge.api import binding, forms, needs
from harness.embedded.forge.api.call import Call, answer, empty, paged
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.errors import ForbiddenError, UnauthorisedError, not_found
from harness.embedded.forge.services import users
from harness.embedded.forge.shapes import people
from harness.embedded.forge.shapes import repository as repository_shape
from harness.embedded.forge.store import accounts
from harness.embedded.forge.store.records import Account

routes = Routes()


def _holder(call: Call) -> Account:
    """Whose tokens they are; only oneself or an administrator gets so far, and only by password."""
    holder = users.find(call.forge, call.params["username"])
    if call.identity.user is None or not call.identity.by_password:
        raise UnauthorisedError("auth required")
    if call.user.id != holder.id and not call.user.admin:
        raise ForbiddenError("doer should be the site admin or be same as the contextUser")
    return holder


@routes.get("/users/{username}/tokens", needs.USERS)
def tokens(call: Call) -> Response:
    """A person's tokens without their secrets."""
    return paged(call, [people.token(one) for one in accounts.tokens(call.forge.db, _holder(call).id)])


@routes.post("/users/{username}/tokens", needs.USERS)
def create_token(call: Call) -> Response:
    """A new token; its secret is in this answer only."""
    holder = _holder(call)
    details = binding.read(call, forms.CREATE_TOKEN)
    made, secret = users.create_token(call.forge, holder, details["name"], details.get("scopes", []))
    return answer(people.token(made, secret), 201)


@routes.delete("/users/{username}/tokens/{token}", needs.USERS)
def delete_token(call: Call) -> Response:
    """Remove a token by name or number."""
    users.delete_token(call.forge, _holder(call), call.params["token"])
    return empty()


@routes.get("/user/keys", needs.ME)
def keys(call: Call) -> Response:
    """The asker's ssh keys."""
    wanted = call.arg("fingerprint")
    found = [key for key in accounts.public_keys(call.forge.db, call.user.id) if wanted in {"", key.fingerprint}]
    return paged(call, [people.public_key(call.view, key, call.user) for key in found])


@routes.post("/user/keys", needs.ME)
def add_key(call: Call) -> Response:
    """A new ssh key of the asker."""
    details = binding.read(call, forms.CREATE_KEY)
    made = users.add_key(call.forge, call.user, details["title"], details["key"])
    return answer(people.public_key(call.view, made, call.user), 201)


@routes.get("/user/keys/{id}", needs.ME)
def key(call: Call) -> Response:
    """A key, whose ever it is: keys are public."""
    held = accounts.public_key(call.forge.db, call.number("id"))
    if held is None:
        raise not_found()
    return answer(people.public_key(call.view, held, accounts.by_id(call.forge.db, held.user_id)))


@routes.delete("/user/keys/{id}", needs.ME)
def delete_key(call: Call) -> Response:
    """Remove one of the asker's keys."""
    users.delete_key(call.forge, call.user, call.number("id"))
    return empty()


@routes.get("/repos/{owner}/{repo}/keys", needs.ADMINISTER)
def deploy_keys(call: Call) -> Response:
    """A repository's keys."""
    found = accounts.deploy_keys(call.forge.db, call.repository.id)
    return paged(call, [repository_shape.deploy_key(call.view, one, call.repository) for one in found])


@routes.post("/repos/{owner}/{repo}/keys", needs.ADMINISTER)
def add_deploy_key(call: Call) -> Response:
    """A new key of a repository."""
    details = binding.read(call, forms.CREATE_KEY)
    read_only = bool(details.get("read_only"))
    made = users.add_deploy_key(call.forge, call.repository, details["title"], details["key"], read_only=read_only)
    return answer(repository_shape.deploy_key(call.view, made, None), 201)


@routes.get("/repos/{owner}/{repo}/keys/{id}", needs.ADMINISTER)
def deploy_key(call: Call) -> Response:
    """One key of a repository."""
    for held in accounts.deploy_keys(call.forge.db, call.repository.id):
        if held.id == call.number("id"):
            return answer(repository_shape.deploy_key(call.view, held, call.repository))
    raise not_found()


@routes.delete("/repos/{owner}/{repo}/keys/{id}", needs.ADMINISTER)
def delete_deploy_key(call: Call) -> Response:
    """Remove a key; one that is not there is removed already."""
    sql = "DELETE FROM deploy_key WHERE id = ? AND repo_id = ?"
    call.forge.db.run(sql, call.number("id"), call.repository.id)
    return empty()
