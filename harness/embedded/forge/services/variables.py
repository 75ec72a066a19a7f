"""Variables and secrets of owners and repositories. Secrets are sealed, and opened only for a job."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.embedded.forge import clock
from harness.embedded.forge.errors import BadRequestError, ConflictError, MissingError
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.store import actions
from harness.embedded.forge.store.records import Repository, Variable
from harness.kit.secret import Secret

_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
_FORBIDDEN = re.compile(r"(GITEA|GITHUB)_")


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose they are: an owner (``repo_id`` 0) or a repository (``owner_id`` 0)."""

    owner_id: int = 0
    repo_id: int = 0


def check_name(name: str) -> str:
    """The name in capitals; raises ``BadRequestError`` when it may not be one."""
    capital = name.upper()
    if not _NAME.fullmatch(capital) or _FORBIDDEN.match(capital) or capital == "CI":
        raise BadRequestError("invalid variable or secret name")
    return capital


def find(forge: Forge, holder: Holder, name: str) -> Variable:
    """A variable; raises ``MissingError``."""
    found = actions.variable(forge.db, holder.owner_id, holder.repo_id, name.upper())
    if found is None:
        raise MissingError("variable not found")
    return found


def create(forge: Forge, holder: Holder, name: str, value: str, description: str) -> None:
    """A new variable; one that exists is a conflict."""
    with forge.db.write():
        if actions.variable(forge.db, holder.owner_id, holder.repo_id, name.upper()):
            raise ConflictError(f"variable name {name} already exists")
        values = {"owner_id": holder.owner_id, "repo_id": holder.repo_id, "name": check_name(name)}
        forge.db.insert("variable", **values, data=value, description=description)


def update(forge: Forge, holder: Holder, name: str, value: str, new_name: str, description: str | None) -> None:  # noqa: PLR0917
    """Another value, and perhaps another name."""
    with forge.db.write():
        found = find(forge, holder, name)
        target = check_name(new_name or name)
        sql = """UPDATE variable SET data = ?, name = ?, description = ?
                 WHERE owner_id = ? AND repo_id = ? AND name = ?"""
        kept = found.description if description is None else description
        forge.db.run(sql, value, target, kept, holder.owner_id, holder.repo_id, found.name)


def delete(forge: Forge, holder: Holder, name: str) -> None:
    """Remove a variable."""
    found = find(forge, holder, name)
    sql = "DELETE FROM variable WHERE owner_id = ? AND repo_id = ? AND name = ?"
    forge.db.run(sql, holder.owner_id, holder.repo_id, found.name)


def for_repository(forge: Forge, repository: Repository) -> dict[str, str]:
    """What ``vars`` holds in a job: the owner's, and over them the repository's."""
    found = actions.variables(forge.db, repository.owner_id, 0) + actions.variables(forge.db, 0, repository.id)
    return {one.name: one.data for one in found}


# Secrets


@dataclass(frozen=True, slots=True)
class SecretName:
    """A secret as it may be shown."""

    name: str
    description: str
    created: int


def secrets(forge: Forge, holder: Holder) -> list[SecretName]:
    """Which there are."""
    sql = "SELECT name, description, created FROM secret WHERE owner_id = ? AND repo_id = ? ORDER BY id"
    return forge.db.all(SecretName, sql, holder.owner_id, holder.repo_id)


def put_secret(forge: Forge, holder: Holder, name: str, value: str, description: str) -> bool:
    """Set a secret; whether it is new."""
    capital, box = check_name(name), forge.vault.seal(value)
    with forge.db.write():
        sql = "UPDATE secret SET box = ?, description = ? WHERE owner_id = ? AND repo_id = ? AND name = ?"
        if forge.db.run(sql, box, description, holder.owner_id, holder.repo_id, capital):
            return False
        values = {"owner_id": holder.owner_id, "repo_id": holder.repo_id, "name": capital}
        forge.db.insert("secret", **values, box=box, description=description, created=clock.now())
    return True


def delete_secret(forge: Forge, holder: Holder, name: str) -> None:
    """Remove a secret."""
    sql = "DELETE FROM secret WHERE owner_id = ? AND repo_id = ? AND name = ?"
    if not forge.db.run(sql, holder.owner_id, holder.repo_id, name.upper()):
        raise MissingError("secret not found")


def secrets_for(forge: Forge, repository: Repository) -> dict[str, Secret]:
    """What ``secrets`` holds in a job of trusted code."""
    sql = "SELECT name, box FROM secret WHERE (owner_id = ? AND repo_id = 0) OR repo_id = ? ORDER BY repo_id"
    rows = forge.db.connection.execute(sql, (repository.owner_id, repository.id))
    return {row[0]: Secret(forge.vault.open(row[1])) for row in rows}
