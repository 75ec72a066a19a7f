"""Organisations, their members and teams."""

from __future__ import annotations

from starlette.responses import Response

from harness.embedded.forge import access
from harness.embedded.forge.api import binding, forms, needs
from harness.embedded.forge.api.call import Call, answer, empty, page_headers, paged
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.errors import ForbiddenError, not_found
from harness.embedded.forge.services import organisations, repositories, users
from harness.embedded.forge.shapes import people
from harness.embedded.forge.shapes import repository as repository_shape
from harness.embedded.forge.store import accounts
from harness.embedded.forge.store import repositories as repositories_store
from harness.embedded.forge.store.records import Account, Team

routes = Routes()


@routes.get("/orgs", needs.OPEN)
def every(call: Call) -> Response:
    """The organisations that the asker may see."""
    db = call.forge.db
    found = [one for one in accounts.organisations(db) if access.may_read_organisation(db, call.identity.user, one)]
    return paged(call, [people.organisation(call.view, one) for one in found])


@routes.post("/orgs", needs.ORG_SIGNED)
def create(call: Call) -> Response:
    """A new organisation; the asker owns it."""
    details = binding.read(call, forms.CREATE_ORG)
    made = organisations.create(call.forge, call.user, details["username"], details)
    return answer(people.organisation(call.view, made), 201)


@routes.get("/orgs/{org}", needs.ORG)
def read(call: Call) -> Response:
    """One organisation."""
    return answer(people.organisation(call.view, call.organisation))


@routes.patch("/orgs/{org}", needs.ORG_OWNER)
def edit(call: Call) -> Response:
    """Change an organisation."""
    changed = organisations.edit(call.forge, call.organisation, binding.read(call, forms.EDIT_ORG))
    return answer(people.organisation(call.view, changed))


@routes.delete("/orgs/{org}", needs.ORG_OWNER)
def delete(call: Call) -> Response:
    """Remove an organisation that owns nothing."""
    organisations.delete(call.forge, call.organisation)
    return empty()


@routes.get("/orgs/{org}/repos", needs.ORG_REPOSITORIES)
def org_repositories(call: Call) -> Response:
    """What it owns and the asker may see."""
    found = repositories_store.owned(call.forge.db, call.organisation.id)
    seen = repositories.readable(call.forge, call.identity, found)
    return paged(call, [repository_shape.repository(call.view, one) for one in seen])


@routes.post("/orgs/{org}/repos", needs.ORG_CREATE)
@routes.post("/org/{org}/repos", needs.ORG_CREATE)
def create_repository(call: Call) -> Response:
    """A new repository of the organisation."""
    details = binding.read(call, forms.CREATE_REPO)
    if not access.may_create_in(call.forge.db, call.user, call.organisation):
        raise ForbiddenError("Given user is not allowed to create repository in organization.")
    made = repositories.create(call.forge, call.user, call.organisation, details, call.base)
    return answer(repository_shape.repository(call.view, made), 201)


@routes.get("/orgs/{org}/members", needs.ORG)
def members(call: Call) -> Response:
    """Who is in it; strangers see those who show it."""
    db, org = call.forge.db, call.organisation.id
    inside = access.is_member(db, call.identity.user, call.organisation)
    found = accounts.members(db, org) if inside else accounts.public_members(db, org)
    return paged(call, [people.user(call.view, one) for one in found])


@routes.get("/orgs/{org}/public_members", needs.ORG)
def public_members(call: Call) -> Response:
    """Who shows to be in it."""
    found = accounts.public_members(call.forge.db, call.organisation.id)
    return paged(call, [people.user(call.view, one) for one in found])


def _is_in(call: Call, one: Account) -> bool:
    return bool(accounts.teams_of(call.forge.db, call.organisation.id, one.id))


@routes.get("/orgs/{org}/members/{username}", needs.ORG)
def is_member(call: Call) -> Response:
    """Whether somebody is in it; strangers are sent to those who show it."""
    found, asker = users.find(call.forge, call.params["username"]), call.identity.user
    if not access.is_member(call.forge.db, asker, call.organisation):
        if asker is not None and asker.id == found.id:
            raise not_found()
        return Response(b"", 303, {"location": f"/api/v1/orgs/{call.organisation.name}/public_members/{found.name}"})
    if not _is_in(call, found):
        raise not_found()
    return empty()


@routes.get("/orgs/{org}/public_members/{username}", needs.ORG)
def is_public_member(call: Call) -> Response:
    """Whether somebody shows to be in it."""
    found = users.find(call.forge, call.params["username"])
    if found not in accounts.public_members(call.forge.db, call.organisation.id):
        raise not_found()
    return empty()


@routes.put("/orgs/{org}/public_members/{username}", needs.ORG_MEMBER)
def show_member(call: Call) -> Response:
    """Show to be in it."""
    found = _oneself(call, "publicize")
    if not _is_in(call, found):
        raise not_found()
    call.forge.db.run("INSERT OR IGNORE INTO public_member VALUES (?, ?)", call.organisation.id, found.id)
    return empty()


@routes.delete("/orgs/{org}/public_members/{username}", needs.ORG_MEMBER)
def hide_member(call: Call) -> Response:
    """Show it no more."""
    found = _oneself(call, "conceal")
    sql = "DELETE FROM public_member WHERE org_id = ? AND user_id = ?"
    call.forge.db.run(sql, call.organisation.id, found.id)
    return empty()


def _oneself(call: Call, verb: str) -> Account:
    found = users.find(call.forge, call.params["username"])
    if found.id != call.user.id and not call.user.admin:
        raise ForbiddenError(f"Cannot {verb} another member")
    return found


@routes.post("/orgs/{org}/rename", needs.ORG_OWNER)
def rename(call: Call) -> Response:
    """Give an organisation another name."""
    users.rename(call.forge, call.organisation, binding.read(call, forms.RENAME_ORG)["new_name"])
    return empty()


@routes.delete("/orgs/{org}/members/{username}", needs.ORG_OWNER)
def remove_member(call: Call) -> Response:
    """Take somebody out of every team."""
    organisations.remove_member(call.forge, call.organisation, users.find(call.forge, call.params["username"]))
    return empty()


@routes.get("/orgs/{org}/teams", needs.ORG_MEMBER)
def teams(call: Call) -> Response:
    """Its teams."""
    shown = [people.team(call.view, one, None) for one in accounts.teams(call.forge.db, call.organisation.id)]
    return paged(call, shown)


@routes.get("/orgs/{org}/teams/search", needs.ORG_MEMBER)
def search_teams(call: Call) -> Response:
    """Its teams whose name holds the query."""
    every = accounts.teams(call.forge.db, call.organisation.id)
    found = [people.team(call.view, one, None) for one in every if call.arg("q").lower() in one.lower_name]
    return answer({"data": list(call.slice(found)), "ok": True}, 200, page_headers(call, len(found)))


@routes.post("/orgs/{org}/teams", needs.ORG_OWNER)
def create_team(call: Call) -> Response:
    """A new team."""
    made = organisations.create_team(call.forge, call.organisation, binding.read(call, forms.CREATE_TEAM))
    return answer(_team(call, made), 201)


def _found_team(call: Call) -> Team:
    found = accounts.team(call.forge.db, call.number("id"))
    if found is None:
        raise not_found()
    org = accounts.by_id(call.forge.db, found.org_id)
    if not access.is_member(call.forge.db, call.user, org):
        raise not_found()
    if call.method != "GET" and not access.is_owner(call.forge.db, call.user, org):
        raise ForbiddenError("Must be an organization owner")
    return found


def _team(call: Call, found: Team) -> dict[str, object]:
    org = accounts.by_id(call.forge.db, found.org_id)
    return people.team(call.view, found, people.organisation(call.view, org))


@routes.get("/teams/{id}", needs.ORG_SIGNED)
def team(call: Call) -> Response:
    """One team."""
    return answer(_team(call, _found_team(call)))


@routes.patch("/teams/{id}", needs.ORG_SIGNED)
def edit_team(call: Call) -> Response:
    """Change a team."""
    found = _found_team(call)
    return answer(_team(call, organisations.edit_team(call.forge, found, binding.read(call, forms.EDIT_TEAM))))


@routes.delete("/teams/{id}", needs.ORG_SIGNED)
def delete_team(call: Call) -> Response:
    """Remove a team."""
    call.forge.db.run("DELETE FROM team WHERE id = ? AND permission <> 'owner'", _found_team(call).id)
    return empty()


@routes.get("/teams/{id}/members", needs.ORG_SIGNED)
def team_members(call: Call) -> Response:
    """The people of a team."""
    found = accounts.team_members(call.forge.db, _found_team(call).id)
    return paged(call, [people.user(call.view, one) for one in found])


@routes.get("/teams/{id}/members/{username}", needs.ORG_SIGNED)
def team_member(call: Call) -> Response:
    """Somebody, if in the team."""
    for one in accounts.team_members(call.forge.db, _found_team(call).id):
        if one.lower_name == call.params["username"].lower():
            return answer(people.user(call.view, one))
    raise not_found()


@routes.put("/teams/{id}/members/{username}", needs.ORG_SIGNED)
def add_team_member(call: Call) -> Response:
    """Put somebody into a team."""
    found = _found_team(call)
    organisations.add_to_team(call.forge, found, users.find(call.forge, call.params["username"]))
    return empty()


@routes.delete("/teams/{id}/members/{username}", needs.ORG_SIGNED)
def remove_team_member(call: Call) -> Response:
    """Take somebody out of a team."""
    found = _found_team(call)
    organisations.remove_from_team(call.forge, found, users.find(call.forge, call.params["username"]))
    return empty()


@routes.get("/teams/{id}/repos", needs.ORG_SIGNED)
def team_repositories(call: Call) -> Response:
    """What a team works on."""
    found = _found_team(call)
    linked = set(call.forge.db.column("SELECT repo_id FROM team_repository WHERE team_id = ?", found.id))
    owned = repositories_store.owned(call.forge.db, found.org_id)
    seen = [one for one in owned if found.every_repository or one.id in linked]
    return paged(call, [repository_shape.repository(call.view, one) for one in seen])


def _team_repository(call: Call) -> tuple[Team, int]:
    found = _found_team(call)
    repository = repositories.find(call.forge, call.identity, call.params["org"], call.params["name"])
    if repository.owner_id != found.org_id:
        raise not_found()
    return found, repository.id


@routes.put("/teams/{id}/repos/{org}/{name}", needs.ORG_SIGNED)
def add_team_repository(call: Call) -> Response:
    """Give a team a repository to work on."""
    found, key = _team_repository(call)
    call.forge.db.run("INSERT OR IGNORE INTO team_repository VALUES (?, ?)", found.id, key)
    return empty()


@routes.get("/teams/{id}/repos/{org}/{name}", needs.ORG_SIGNED)
def team_repository(call: Call) -> Response:
    """A repository, if the team works on it."""
    found, key = _team_repository(call)
    sql = "SELECT 1 FROM team_repository WHERE team_id = ? AND repo_id = ?"
    repository = repositories_store.by_id(call.forge.db, key)
    linked = found.every_repository or call.forge.db.value(sql, found.id, key)
    if repository is None or not linked:
        raise not_found()
    return answer(repository_shape.repository(call.view, repository))


@routes.delete("/teams/{id}/repos/{org}/{name}", needs.ORG_SIGNED)
def remove_team_repository(call: Call) -> Response:
    """Take a repository from a team."""
    found, key = _team_repository(call)
    call.forge.db.run("DELETE FROM team_repository WHERE team_id = ? AND repo_id = ?", found.id, key)
    return empty()
