"""Organisations and their teams."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.embedded.forge import clock
from harness.embedded.forge.errors import InternalError, InvalidError, MissingError, no_user
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.services import users
from harness.embedded.forge.store import accounts, repositories
from harness.embedded.forge.store.records import Account, Team

_COLUMNS = {
    "full_name": "full_name",
    "email": "email",
    "description": "description",
    "website": "website",
    "location": "location",
    "visibility": "visibility",
    "repo_admin_change_team_access": "team_access",
}


def create(forge: Forge, owner: Account, name: str, details: Mapping[str, Any]) -> Account:
    """A new organisation whose owners' team is ``owner``."""
    users.check_name(forge, name)
    values = {_COLUMNS[key]: value for key, value in details.items() if key in _COLUMNS}
    values["visibility"] = values.get("visibility") or "public"
    with forge.db.write():
        key = forge.db.insert(
            "account", name=name, lower_name=name.lower(), organisation=1, created=clock.now(), **values
        )
        team = {"org_id": key, "name": "Owners", "lower_name": "owners", "permission": "owner"}
        team_id = forge.db.insert("team", **team, every_repository=1, may_create=1)
        forge.db.insert("team_member", team_id=team_id, user_id=owner.id)
    return accounts.by_id(forge.db, key)


def find(forge: Forge, name: str) -> Account:
    """The organisation of that name; raises ``MissingError`` in Gitea's words."""
    found = accounts.by_name(forge.db, name)
    if found is None or not found.organisation:
        raise MissingError("GetOrgByName", errors=[no_user(name)])
    return found


def edit(forge: Forge, organisation: Account, changes: Mapping[str, Any]) -> Account:
    """Set the descriptive fields, to nothing where ``changes`` has none, and the others where it has them."""
    values: dict[str, Any] = dict.fromkeys(
        ("full_name", "description", "website", "location"), ""
    )  # Gitea empties them too
    values |= {_COLUMNS[key]: value for key, value in changes.items() if key in _COLUMNS}
    if not values.get("visibility"):
        values.pop("visibility", None)
    forge.db.update("account", organisation.id, **values)
    return accounts.by_id(forge.db, organisation.id)


def delete(forge: Forge, organisation: Account) -> None:
    """Remove an organisation that owns nothing."""
    if repositories.owned(forge.db, organisation.id):
        raise InternalError(f"user still has ownership of repositories [uid: {organisation.id}]")
    with forge.db.write():
        for table in ("variable", "secret"):
            forge.db.run(f"DELETE FROM {table} WHERE owner_id = ?", organisation.id)  # noqa: S608
        forge.db.run("DELETE FROM account WHERE id = ?", organisation.id)


def remove_member(forge: Forge, organisation: Account, user: Account) -> None:
    """Take a person out of every team; the last owner stays."""
    for team in accounts.teams_of(forge.db, organisation.id, user.id):
        remove_from_team(forge, team, user)


def create_team(forge: Forge, organisation: Account, details: Mapping[str, Any]) -> Team:
    """A new team."""
    name = str(details["name"])
    if details.get("permission") != "admin" and not (details.get("units") or details.get("units_map")):
        raise InternalError("units permission should not be empty")
    if any(team.lower_name == name.lower() for team in accounts.teams(forge.db, organisation.id)):
        raise InvalidError(f"team already exists [org_id: {organisation.id}, name: {name}]")
    key = forge.db.insert("team", org_id=organisation.id, lower_name=name.lower(), **_team_values(details))
    made = accounts.team(forge.db, key)
    assert made is not None
    return made


def edit_team(forge: Forge, team: Team, details: Mapping[str, Any]) -> Team:
    """Change a team; the owners' keeps its permission."""
    values = _team_values({"name": team.name, "permission": team.permission, **details})
    if team.permission == "owner":
        values = {"description": values.get("description", team.description)}
    forge.db.update("team", team.id, **values)
    return accounts.team(forge.db, team.id) or team


def _team_values(details: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {"name": details["name"], "permission": details.get("permission") or "read"}
    names = {"includes_all_repositories": "every_repository", "can_create_org_repo": "may_create"}
    values |= {names[key]: details[key] for key in names if key in details}
    if "description" in details:
        values["description"] = details["description"]
    if details.get("units_map"):
        values["units"] = json.dumps(details["units_map"])
    elif details.get("units"):
        values["units"] = json.dumps(dict.fromkeys(details["units"], values["permission"]))
    return values


def add_to_team(forge: Forge, team: Team, user: Account) -> None:
    """Put a person into a team."""
    forge.db.run("INSERT OR IGNORE INTO team_member VALUES (?, ?)", team.id, user.id)


def remove_from_team(forge: Forge, team: Team, user: Account) -> None:
    """Take a person out of a team; the last owner stays."""
    people = accounts.team_members(forge.db, team.id)
    if team.permission == "owner" and [one.id for one in people] == [user.id]:
        raise InternalError(f"user is the last member of owner team [uid: {user.id}]")
    forge.db.run("DELETE FROM team_member WHERE team_id = ? AND user_id = ?", team.id, user.id)
