"""Organisations (Gitea API: /orgs)."""

from __future__ import annotations

from harness.forge.client import Forge, segment
from harness.forge.errors import ForgeError, NotFound
from harness.forge.model import Repository


def exists(forge: Forge, name: str) -> bool:
    """Whether there is an organisation ``name``."""
    return forge.find(f"orgs/{segment(name)}") is not None


def create(forge: Forge, name: str, description: str = "") -> None:
    """Make an organisation; raises ``ForgeError`` 422 when the name is taken."""
    forge.post("orgs", {"username": name, "description": description})


def ensure(forge: Forge, name: str, description: str = "") -> bool:
    """Make the organisation unless it is there; whether it was made."""
    if exists(forge, name):
        return False
    try:
        create(forge, name, description)
    except ForgeError as error:
        if error.status != 422 or not exists(forge, name):
            raise
        return False
    return True


def repositories(forge: Forge, name: str) -> list[Repository]:
    """All repositories of an organisation."""
    return [Repository.of(entry) for entry in forge.listed(f"orgs/{segment(name)}/repos")]


def members(forge: Forge, name: str) -> list[str]:
    """Logins of the members."""
    return [str(entry["login"]) for entry in forge.listed(f"orgs/{segment(name)}/members")]


def add_owner(forge: Forge, name: str, user: str) -> None:
    """Have ``user`` among the owners; raises ``NotFound`` when the organisation has no team of owners."""
    found = forge.listed(f"orgs/{segment(name)}/teams")
    owners = next((team for team in found if team.get("permission") == "owner"), None)
    if owners is None:
        raise NotFound(f"GET orgs/{name}/teams", 404, "there is no team of owners")
    forge.put(f"teams/{owners['id']}/members/{segment(user)}")
