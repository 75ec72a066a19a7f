"""Accounts and their tokens (Gitea API: /admin/users, /users/{username}/tokens)."""

from __future__ import annotations

from collections.abc import Iterable

from harness.forge.client import Forge, segment
from harness.forge.errors import Conflict, ForgeError, NotFound
from harness.forge.model import Token, User
from harness.kit.secret import Secret


def me(forge: Forge) -> User:
    """Whom our login belongs to."""
    return User.of(forge.get("user"))


def find(forge: Forge, name: str) -> User | None:
    """The account ``name``, or None."""
    found = forge.find(f"users/{segment(name)}")
    return User.of(found) if found else None


def create(forge: Forge, name: str, password: Secret, *, email: str) -> User:
    """Make an account; raises ``ForgeError`` 422 when there is one."""
    body = {"username": name, "email": email, "password": password.reveal(), "must_change_password": False}
    return User.of(forge.post("admin/users", body))


def ensure(forge: Forge, name: str, password: Secret, *, email: str) -> bool:
    """Make the account unless it is there; whether it was made."""
    if find(forge, name) is not None:
        return False
    try:
        create(forge, name, password, email=email)
    except ForgeError as error:
        if error.status != 422 or find(forge, name) is None:
            raise
        return False
    return True


def tokens(forge: Forge, name: str) -> list[Token]:
    """The account's tokens, without their secrets; asked with a password, never with a token."""
    return [Token.of(entry) for entry in forge.listed(f"users/{segment(name)}/tokens")]


def create_token(forge: Forge, name: str, title: str, scopes: Iterable[str]) -> Secret:
    """A token called ``title`` for the account; an older one of that title stops working."""
    path = f"users/{segment(name)}/tokens"
    if any(token.name == title for token in tokens(forge, name)):
        delete_token(forge, name, title)
    made = Token.of(forge.post(path, {"name": title, "scopes": sorted(scopes)}))
    if made.secret is None:
        raise Conflict(f"POST {path}", 409, "the forge has not told the token that it made")
    return made.secret


def delete_token(forge: Forge, name: str, title: str) -> None:
    """Take a token back; one that is not there is fine."""
    try:
        forge.delete(f"users/{segment(name)}/tokens/{segment(title)}")
    except NotFound:
        return
