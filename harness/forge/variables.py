"""Variables and secrets of a user, an organisation or a repository (Gitea API: …/actions/variables, …/secrets)."""

from __future__ import annotations

from dataclasses import dataclass

from harness.forge.client import Forge, segment
from harness.forge.errors import Conflict, NotFound
from harness.forge.repositories import path
from harness.kit.secret import Secret


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose variables: a path prefix of the API."""

    prefix: str

    @classmethod
    def user(cls) -> Scope:
        """Our own."""
        return cls("user/actions")

    @classmethod
    def organisation(cls, name: str) -> Scope:
        """Those that all repositories of an organisation see."""
        return cls(f"orgs/{segment(name)}/actions")

    @classmethod
    def repository(cls, slug: str) -> Scope:
        """Those of one repository."""
        return cls(path(slug, "actions"))


def listed(forge: Forge, scope: Scope) -> dict[str, str]:
    """All variables by name (in capitals, as the forge keeps them)."""
    return {entry["name"]: entry["data"] for entry in forge.listed(f"{scope.prefix}/variables")}


def get(forge: Forge, scope: Scope, name: str) -> str | None:
    """A variable's value, None when it is not set."""
    found = forge.find(_variable(scope, name))
    return str(found["data"]) if found else None


def put(forge: Forge, scope: Scope, name: str, value: str) -> None:
    """Set a variable, new or not."""
    body = {"value": value}
    try:
        forge.put(_variable(scope, name), body)
    except NotFound:
        try:
            forge.post(_variable(scope, name), body)
        except Conflict:  # somebody made it in between
            forge.put(_variable(scope, name), body)


def delete(forge: Forge, scope: Scope, name: str) -> None:
    """Remove a variable; one that is not there is fine."""
    try:
        forge.delete(_variable(scope, name))
    except NotFound:
        return


def put_secret(forge: Forge, scope: Scope, name: str, value: Secret) -> None:
    """Set a secret; the forge never shows it again."""
    forge.put(f"{scope.prefix}/secrets/{segment(name)}", {"data": value.reveal()})


def _variable(scope: Scope, name: str) -> str:
    return f"{scope.prefix}/variables/{segment(name)}"
