"""People: reading, and what administrators do with them."""

from __future__ import annotations

from starlette.responses import Response

from harness.embedded.forge.api import binding, forms, needs
from harness.embedded.forge.api.call import Call, answer, empty, paged
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.errors import BadRequestError, InvalidError
from harness.embedded.forge.services import organisations, repositories, users
from harness.embedded.forge.shapes import people
from harness.embedded.forge.shapes import repository as repository_shape
from harness.embedded.forge.store import accounts
from harness.embedded.forge.store import repositories as repositories_store

routes = Routes()


@routes.get("/user", needs.ME)
def me(call: Call) -> Response:
    """Who asks."""
    return answer(people.user(call.view, call.user))


@routes.get("/users/search", needs.USERS)
def search(call: Call) -> Response:
    """People whose name holds the query."""
    wanted, key = call.arg("q").lower(), call.arg("uid")
    found = [
        one
        for one in accounts.people(call.forge.db)
        if wanted in one.lower_name or wanted in one.full_name.lower()
        if not key.isdigit() or int(key) in {0, one.id}
    ]
    shown = [people.user(call.view, one) for one in found]
    page = paged(call, shown)
    headers = {name: value for name, value in page.headers.items() if name in {"link", "x-total-count"}}
    return answer({"data": list(call.slice(shown)), "ok": True}, 200, headers)


@routes.get("/users/{username}", needs.USERS)
def user(call: Call) -> Response:
    """One account, a person or an organisation."""
    return answer(people.user(call.view, users.find(call.forge, call.params["username"])))


@routes.get("/users/{username}/repos", needs.USERS_REPOSITORIES)
def user_repositories(call: Call) -> Response:
    """What an account owns and the asker may see."""
    owner = users.find(call.forge, call.params["username"])
    found = repositories_store.owned(call.forge.db, owner.id)
    seen = repositories.readable(call.forge, call.identity, found)
    return paged(call, [repository_shape.repository(call.view, one) for one in seen])


@routes.get("/users/{username}/orgs", needs.USERS_ORGANISATIONS)
def user_organisations(call: Call) -> Response:
    """The organisations of a person."""
    owner = users.find(call.forge, call.params["username"])
    found = accounts.organisations_of(call.forge.db, owner.id)
    return paged(call, [people.organisation(call.view, one) for one in found])


@routes.get("/users/{username}/keys", needs.USERS)
def user_keys(call: Call) -> Response:
    """The ssh keys of a person."""
    owner = users.find(call.forge, call.params["username"])
    found = accounts.public_keys(call.forge.db, owner.id)
    return paged(call, [people.public_key(call.view, key, owner) for key in found])


@routes.get("/user/repos", needs.ME_REPOSITORIES)
def my_repositories(call: Call) -> Response:
    """What the asker owns, works on, or has through a team."""
    found = repositories_store.every(call.forge.db)
    mine = [one for one in found if _is_mine(call, one.owner_id, one.id)]
    return paged(call, [repository_shape.repository(call.view, one) for one in mine])


def _is_mine(call: Call, owner_id: int, repo_id: int) -> bool:
    if owner_id == call.user.id or repositories_store.permission(call.forge.db, repo_id, call.user.id):
        return True
    return bool(accounts.teams_of(call.forge.db, owner_id, call.user.id))


@routes.post("/user/repos", needs.ME_REPOSITORIES)
def create_my_repository(call: Call) -> Response:
    """A new repository of the asker."""
    details = binding.read(call, forms.CREATE_REPO)
    made = repositories.create(call.forge, call.user, call.user, details, call.base)
    return answer(repository_shape.repository(call.view, made), 201)


@routes.get("/user/orgs", needs.ME_ORGANISATIONS)
def my_organisations(call: Call) -> Response:
    """The organisations of the asker."""
    found = accounts.organisations_of(call.forge.db, call.user.id)
    return paged(call, [people.organisation(call.view, one) for one in found])


@routes.get("/user/teams", needs.ME_ORGANISATIONS)
def my_teams(call: Call) -> Response:
    """The teams of the asker."""
    db, shown = call.forge.db, []
    for org in accounts.organisations_of(db, call.user.id):
        shape = people.organisation(call.view, org)
        shown += [people.team(call.view, team, shape) for team in accounts.teams_of(db, org.id, call.user.id)]
    return paged(call, shown)


@routes.get("/user/emails", needs.ME)
def my_emails(call: Call) -> Response:
    """The one address of the asker."""
    one = {"email": call.user.email, "verified": True, "primary": True}
    return answer([{**one, "user_id": call.user.id, "username": call.user.name}])


@routes.get("/user/settings", needs.ME)
def my_settings(call: Call) -> Response:
    """What the asker has set."""
    return answer(_settings(call))


@routes.patch("/user/settings", needs.ME)
def change_my_settings(call: Call) -> Response:
    """Change what the asker has set."""
    users.edit(call.forge, call.user, binding.read(call, forms.SETTINGS))
    return answer(_settings(call))


def _settings(call: Call) -> dict[str, object]:
    fresh = accounts.by_id(call.forge.db, call.user.id)
    return {
        "full_name": fresh.full_name,
        "website": fresh.website,
        "description": fresh.description,
        "location": fresh.location,
        "language": "",
        "theme": "gitea-auto",
        "diff_view_style": "",
        "hide_email": False,
        "hide_activity": False,
    }


# Administration


@routes.get("/admin/users", needs.ADMIN)
def every_user(call: Call) -> Response:
    """Everybody."""
    found = sorted(accounts.people(call.forge.db), key=lambda one: one.lower_name)
    return paged(call, [people.user(call.view, one) for one in found])


@routes.post("/admin/users", needs.ADMIN)
def create_user(call: Call) -> Response:
    """A new person."""
    details = binding.read(call, forms.CREATE_USER)
    users.check_password(details.get("password", ""))
    more = {key: details[key] for key in ("full_name", "restricted", "visibility", "login_name") if details.get(key)}
    more["must_change_password"] = details.get("must_change_password", True)
    made = users.create(call.forge, details["username"], details["email"], details["password"], **more)
    return answer(people.user(call.view, made), 201)


@routes.patch("/admin/users/{username}", needs.ADMIN)
def edit_user(call: Call) -> Response:
    """Change a person."""
    found = users.find(call.forge, call.params["username"])
    details = binding.read(call, forms.EDIT_USER)
    if details.get("admin") is False and _is_last_admin(call, found.id):
        raise BadRequestError(f"can not remove admin privileges from the last admin [uid: {found.id}]")
    return answer(people.user(call.view, users.edit(call.forge, found, details)))


def _is_last_admin(call: Call, key: int) -> bool:
    return [one.id for one in accounts.people(call.forge.db) if one.admin] == [key]


@routes.delete("/admin/users/{username}", needs.ADMIN)
def delete_user(call: Call) -> Response:
    """Remove a person, with ``purge`` everything they own too."""
    found = users.find(call.forge, call.params["username"])
    if found.organisation:
        raise InvalidError(f"{found.name} is an organization not a user")
    if found.id == call.user.id:
        raise InvalidError("you cannot delete yourself")
    if call.flag("purge", default=False):
        for one in repositories_store.owned(call.forge.db, found.id):
            repositories.delete(call.forge, call.user, one, call.base)
        for org in accounts.organisations_of(call.forge.db, found.id):
            organisations.remove_member(call.forge, org, found)
    users.delete(call.forge, found)
    return empty()


@routes.post("/admin/users/{username}/rename", needs.ADMIN)
def rename_user(call: Call) -> Response:
    """Give a person another name."""
    found = users.find(call.forge, call.params["username"])
    users.rename(call.forge, found, binding.read(call, forms.RENAME_USER)["new_username"])
    return empty()


@routes.post("/admin/users/{username}/orgs", needs.ADMIN)
def create_organisation_for(call: Call) -> Response:
    """An organisation that somebody else owns."""
    owner = users.find(call.forge, call.params["username"])
    details = binding.read(call, forms.CREATE_ORG)
    made = organisations.create(call.forge, owner, details["username"], details)
    return answer(people.organisation(call.view, made), 201)


@routes.get("/admin/orgs", needs.ADMIN)
def every_organisation(call: Call) -> Response:
    """Every organisation."""
    found = accounts.organisations(call.forge.db)
    return paged(call, [people.organisation(call.view, one) for one in found])


@routes.post("/admin/users/{username}/repos", needs.ADMIN)
def create_repository_for(call: Call) -> Response:
    """A repository that somebody else owns."""
    owner = users.find(call.forge, call.params["username"])
    details = binding.read(call, forms.CREATE_REPO)
    made = repositories.create(call.forge, call.user, owner, details, call.base)
    return answer(repository_shape.repository(call.view, made), 201)


@routes.post("/admin/users/{username}/keys", needs.ADMIN)
def add_key_for(call: Call) -> Response:
    """An ssh key of somebody else."""
    owner = users.find(call.forge, call.params["username"])
    details = binding.read(call, forms.CREATE_KEY)
    made = users.add_key(call.forge, owner, details["title"], details["key"])
    return answer(people.public_key(call.view, made, owner), 201)


@routes.delete("/admin/users/{username}/keys/{id}", needs.ADMIN)
def delete_key_for(call: Call) -> Response:
    """Remove somebody else's key."""
    owner = users.find(call.forge, call.params["username"])
    users.delete_key(call.forge, owner, call.number("id"))
    return empty()
