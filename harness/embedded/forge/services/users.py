"""People, their tokens and their keys."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from harness.embedded.forge import access, clock, gobase64, passwords, scopes
from harness.embedded.forge.errors import (
    BadRequestError,
    ForbiddenError,
    InvalidError,
    MissingError,
    no_user,
    not_found,
)
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.store import accounts, repositories
from harness.embedded.forge.store.records import Account, DeployKey, PublicKey, Repository, Token

RESERVED = frozenset(
    (
        ".", "..", ".well-known", "-", "api", "assets", "attachments", "avatar", "avatars", "captcha",
        "commits", "debug", "error", "explore", "favicon.ico", "ghost", "issues", "login", "manifest.json",
        "metrics", "milestones", "new", "notifications", "org", "pulls", "raw", "repo", "repo-avatars",
        "robots.txt", "search", "serviceworker.js", "ssh_info", "swagger.v1.json", "user", "v2",
        "gitea-actions", "containers", "runs",
    )
)  # fmt: skip
_SHORTEST_PASSWORD = 8
_COLUMNS = {
    "full_name": "full_name",
    "email": "email",
    "admin": "admin",
    "active": "active",
    "restricted": "restricted",
    "prohibit_login": "prohibit_login",
    "must_change_password": "must_change_password",
    "login_name": "login_name",
    "description": "description",
    "website": "website",
    "location": "location",
    "visibility": "visibility",
}


def check_name(forge: Forge, name: str) -> None:
    """Raise ``InvalidError`` when an account may not have that name."""
    if accounts.by_name(forge.db, name):
        raise InvalidError(f"user already exists [name: {name}]")
    if name.lower() in RESERVED:
        raise InvalidError(f"name is reserved [name: {name}]")
    if name.lower().endswith((".keys", ".gpg", ".rss", ".atom", ".png")):
        raise InvalidError(f"name pattern is not allowed [pattern: *{name[name.rindex('.') :]}]")


def check_password(password: str) -> None:
    """Raise ``BadRequestError`` when it is too short."""
    if len(password) < _SHORTEST_PASSWORD:
        raise BadRequestError("PasswordIsRequired")


def create(forge: Forge, name: str, email: str, password: str, **more: Any) -> Account:
    """A new person. ``more`` are columns."""
    check_name(forge, name)
    if accounts.by_email(forge.db, email):
        raise InvalidError(f"e-mail already in use [email: {email}]")
    hashed = passwords.hash_password(password) if password else ""
    values = {"name": name, "lower_name": name.lower(), "email": email, "password": hashed, "created": clock.now()}
    return accounts.by_id(forge.db, forge.db.insert("account", **values, **more))


def edit(forge: Forge, account: Account, changes: Mapping[str, Any]) -> Account:
    """Change what the names of ``changes`` say; a new password ends every session."""
    values = {_COLUMNS[key]: value for key, value in changes.items() if key in _COLUMNS}
    if changes.get("password"):
        check_password(changes["password"])
        values["password"] = passwords.hash_password(changes["password"])
    with forge.db.write():
        forge.db.update("account", account.id, **values)
        if "password" in values:
            forge.db.run("DELETE FROM session WHERE user_id = ?", account.id)
    return accounts.by_id(forge.db, account.id)


def find(forge: Forge, name: str) -> Account:
    """The account of that name; raises ``MissingError`` in Gitea's words."""
    found = accounts.by_name(forge.db, name)
    if found is None:
        raise MissingError(no_user(name))
    return found


def delete(forge: Forge, account: Account) -> None:
    """Remove a person who owns nothing and is in no organisation's last owners' team."""
    if repositories.owned(forge.db, account.id):
        raise InvalidError(f"user still has ownership of repositories [uid: {account.id}]")
    if accounts.organisations_of(forge.db, account.id):
        raise InvalidError(f"user still has organizations [uid: {account.id}]")
    forge.db.run("DELETE FROM account WHERE id = ?", account.id)


def rename(forge: Forge, account: Account, name: str) -> None:
    """Give an account another name; the old one leads to it."""
    if name.lower() != account.lower_name:
        check_name(forge, name)
    with forge.db.write():
        forge.db.update("account", account.id, name=name, lower_name=name.lower())
        if name.lower() != account.lower_name:
            sql = "INSERT OR REPLACE INTO account_redirect VALUES (?, ?)"
            forge.db.run(sql, account.lower_name, account.id)


# Tokens


def create_token(forge: Forge, user: Account, name: str, wanted: Sequence[str]) -> tuple[Token, str]:
    """A new access token and its secret, which is not kept."""
    if any(token.name == name for token in accounts.tokens(forge.db, user.id)):
        raise BadRequestError("access token name has been used already")
    try:
        granted = ",".join(scopes.normalise(wanted))
    except ValueError as wrong:
        words = f"invalid access token scope provided: invalid access token scope: {wrong}"
        raise BadRequestError(words) from wrong
    if not granted:
        raise BadRequestError("access token must have a scope")
    return issue_token(forge, user.id, name, granted)


def issue_token(
    forge: Forge, user_id: int, name: str, granted: str, *, expires: int | None = None, repo_id: int | None = None
) -> tuple[Token, str]:
    """A token as asked, unchecked; ``repo_id`` binds it to a repository."""
    secret = secrets.token_hex(20)
    digest, now = access.digest(secret), clock.now()
    forge.db.insert(
        "token", user_id=user_id, name=name, digest=digest, last_eight=secret[-8:], scopes=granted,
        created=now, used=now, expires=expires, repo_id=repo_id,
    )  # fmt: skip
    token = accounts.token_by_digest(forge.db, digest)
    assert token is not None
    return token, secret


def delete_token(forge: Forge, user: Account, name: str) -> None:
    """Remove a token by its name or number."""
    held = accounts.tokens(forge.db, user.id)
    found = [token for token in held if token.name == name or str(token.id) == name]
    if not found:
        raise not_found()
    forge.db.run("DELETE FROM token WHERE id = ?", found[0].id)


# Keys


def fingerprint(key: str) -> str:
    """The SHA256 fingerprint of a public key line; raises ``InvalidError`` when it is none."""
    parts = key.strip().replace("\r", "").replace("\n", "").split(" ", 2)
    raw = _decode_key(parts[1] if len(parts) > 1 else parts[0])
    length = int.from_bytes(raw[:4], "big")
    if len(raw) < length + 4:
        raise _no_key(f"not enough length {length}")
    kind = raw[4 : 4 + length].decode(errors="replace")
    if len(parts) > 1 and parts[0] != kind:
        raise InvalidError(f"Invalid key content: key type and content does not match: {parts[0]} - {kind}")
    return "SHA256:" + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")


def _decode_key(text: str) -> bytes:
    try:
        raw = gobase64.decode(text)
    except gobase64.CorruptError as wrong:
        raise _no_key(str(wrong)) from wrong
    if len(raw) < 4:
        raise _no_key("%!w(<nil>)")  # what Go prints for the error that Gitea has not got
    return raw


def _no_key(why: str) -> InvalidError:
    return InvalidError(f"Invalid key content: extractTypeFromBase64Key: invalid key format: {why}")


def _clean_key(key: str) -> str:
    return re.sub(r"\s+", " ", key).strip()


def add_key(forge: Forge, user: Account, title: str, key: str) -> PublicKey:
    """A person's ssh key; unique on the whole forge."""
    mark = fingerprint(key)
    if forge.db.value("SELECT 1 FROM public_key WHERE fingerprint = ?", mark):
        raise InvalidError("Key content has been used as non-deploy key")
    if any(held.title == title for held in accounts.public_keys(forge.db, user.id)):
        raise InvalidError("Key title has been used")
    now = clock.now()
    made = forge.db.insert(
        "public_key", user_id=user.id, title=title, key=_clean_key(key), fingerprint=mark, created=now
    )
    return next(held for held in accounts.public_keys(forge.db, user.id) if held.id == made)


def delete_key(forge: Forge, user: Account, key: int) -> None:
    """Remove a key of one's own, or anybody's as an administrator."""
    held = accounts.public_key(forge.db, key)
    if held is None:
        raise not_found()
    if held.user_id != user.id and not user.admin:
        raise ForbiddenError("You do not have access to this key")
    forge.db.run("DELETE FROM public_key WHERE id = ?", key)


def add_deploy_key(forge: Forge, repository: Repository, title: str, key: str, *, read_only: bool) -> DeployKey:
    """A repository's ssh key."""
    mark = fingerprint(key)
    held = accounts.deploy_keys(forge.db, repository.id)
    if any(one.fingerprint == mark for one in held):
        raise InvalidError("This key has already been added to this repository")
    if any(one.title == title for one in held):
        raise InvalidError("A key with the same name already exists")
    values = {"repo_id": repository.id, "title": title, "key": _clean_key(key), "fingerprint": mark}
    made = forge.db.insert("deploy_key", **values, read_only=read_only, created=clock.now())
    return next(one for one in accounts.deploy_keys(forge.db, repository.id) if one.id == made)
