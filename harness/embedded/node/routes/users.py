"""Users, groups and API tokens."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from harness.embedded.node import realms, secrets_box
from harness.embedded.node.errors import ApiError, bad_parameters, failure
from harness.embedded.node.grammar import formats
from harness.embedded.node.node import Node
from harness.embedded.node.permissions import ROOT
from harness.embedded.node.routing import Call, route
from harness.embedded.node.store import Record

_TEXTS = ("comment", "email", "firstname", "lastname", "keys")


@route("GET", "/access/users")
def list_users(call: Call) -> list[dict[str, Any]]:
    """The users that the caller may see; everybody sees himself."""
    found = []
    for user, record in call.node.store.table("user").items():
        if _may_see(call, user, record):
            shown = {"userid": user, "realm-type": user.partition("@")[2], **_shown(record)}
            found.append(shown | ({"tokens": _tokens(call.node, user)} if call.flag("full") else {}))
    wanted = call.get("enabled")
    return [user for user in found if wanted is None or str(user["enable"]) == wanted]


def _may_see(call: Call, user: str, record: Record) -> bool:
    paths = ["/access/groups", *(f"/access/groups/{group}" for group in record.get("groups", []))]
    return user == call.user or any(call.may_any(path, "User.Modify", "Sys.Audit") for path in paths)


def _shown(record: Record) -> dict[str, Any]:
    shown = {"enable": int(record.get("enable", 1)), "expire": int(record.get("expire", 0))}
    shown |= {key: record[key] for key in _TEXTS if record.get(key)}
    return {**shown, "email": record.get("email", "")}


@route("POST", "/access/users")
def create_user(call: Call) -> None:
    """Make a user; a password only in the realm pve."""
    user = call.need("userid")
    users = call.node.store.table("user")
    if user in users:
        raise failure(f"create user failed: user '{user}' already exists")
    realm = formats.parse_userid(user)[1]
    if realm not in realms.known(call.node.store):
        raise failure(f"create user failed: auth domain '{realm}' does not exist")
    _check_groups(call, "create")
    password = call.get("password")
    if password is not None:
        call.node.store.table("password").put(user, {"hash": secrets_box.hash_password(password)})
    users.put(user, _user_fields(call, {"enable": 1, "expire": 0}))


def _check_groups(call: Call, doing: str) -> None:
    for group in formats.split_list(call.get("groups") or ""):
        if group not in call.node.store.table("group"):
            raise failure(f"{doing} user failed: no such group '{group}'")


def _user_fields(call: Call, old: Mapping[str, Any]) -> dict[str, Any]:
    fields = dict(old)
    for name in ("enable", "expire"):
        if name in call.params:
            fields[name] = call.number(name, 0)
    fields |= {name: call.get(name) for name in _TEXTS if name in call.params}
    if "groups" in call.params:
        groups = formats.split_list(call.get("groups") or "")
        fields["groups"] = sorted({*groups, *(old.get("groups", []) if call.flag("append") else [])})
    return fields


@route("GET", "/access/users/{userid}")
def get_user(call: Call) -> dict[str, Any]:
    """One user."""
    record = _need_user(call.node, call.need("userid"))
    tokens = {token["tokenid"]: _without(token, "tokenid") for token in _tokens(call.node, call.need("userid"))}
    return {**_shown(record), "groups": record.get("groups", []), "tokens": tokens}


def _need_user(node: Node, user: str) -> Record:
    record = node.store.table("user").get(user)
    if record is None:
        raise failure(f"no such user ('{user}')")
    return record


def _without(record: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != key}


@route("PUT", "/access/users/{userid}")
def update_user(call: Call) -> None:
    """Change a user."""
    user = call.need("userid")
    table = call.node.store.table("user")
    if user not in table and user != ROOT:
        raise failure(f"update user failed: no such user ('{user}')")
    _check_groups(call, "update")
    table.put(user, _user_fields(call, table.get(user) or {"enable": 1, "expire": 0}))


@route("DELETE", "/access/users/{userid}")
def delete_user(call: Call) -> None:
    """Remove a user with tokens, ACL entries and password; an unknown one is no error."""
    user, store = call.need("userid"), call.node.store
    store.table("user").delete(user)
    if user != ROOT:
        store.table("password").delete(user)
    for token in [name for name in store.table("token") if name.startswith(f"{user}!")]:
        _drop_token(call.node, token)
    _drop_acl(call.node, user)


def _drop_acl(node: Node, subject: str) -> None:
    table = node.store.table("acl")
    for key, entry in table.items():
        if entry["ugid"] == subject:
            table.delete(key)


def _drop_token(node: Node, name: str) -> None:
    node.store.table("token").delete(name)
    _drop_acl(node, name)


def _tokens(node: Node, user: str) -> list[dict[str, Any]]:
    found = []
    for name, record in node.store.table("token").items():
        owner, _, token = name.partition("!")
        if owner == user:
            found.append({"tokenid": token, **_token(record)})
    return found


def _token(record: Record) -> dict[str, Any]:
    shown: dict[str, Any] = {"privsep": int(record["privsep"]), "expire": int(record.get("expire", 0))}
    return {**shown, "comment": record["comment"]} if record.get("comment") else shown


@route("GET", "/access/users/{userid}/token")
def list_tokens(call: Call) -> list[dict[str, Any]]:
    """The tokens of a user, without their secrets."""
    _need_user(call.node, call.need("userid"))
    return _tokens(call.node, call.need("userid"))


@route("GET", "/access/users/{userid}/token/{tokenid}")
def get_token(call: Call) -> dict[str, Any]:
    """One token, without its secret."""
    return _token(_need_token(call)[1])


def _need_token(call: Call) -> tuple[str, Record]:
    name = f"{call.need('userid')}!{call.need('tokenid')}"
    record = call.node.store.table("token").get(name)
    if record is None:
        raise failure(f"no such token '{call.need('tokenid')}' for user '{call.need('userid')}'")
    return name, record


@route("POST", "/access/users/{userid}/token/{tokenid}")
def create_token(call: Call) -> dict[str, Any]:
    """Make a token; the secret is shown this one time."""
    user, name = call.need("userid"), call.need("tokenid")
    _need_user(call.node, user)
    full = f"{user}!{name}"
    table = call.node.store.table("token")
    if full in table:
        raise bad_parameters(tokenid="Token already exists.")
    secret = str(uuid.uuid4())
    info = _token_fields(call, {"privsep": 1})
    table.put(full, {**info, "hash": secrets_box.hash_token(secret), "created": int(time.time())})
    return {"full-tokenid": full, "info": info, "value": secret}


def _token_fields(call: Call, old: Mapping[str, Any]) -> dict[str, Any]:
    fields = dict(old)
    for name in ("privsep", "expire"):
        if name in call.params:
            fields[name] = call.number(name, 0)
    if "comment" in call.params:
        fields["comment"] = call.get("comment")
    return fields


@route("PUT", "/access/users/{userid}/token/{tokenid}")
def update_token(call: Call) -> dict[str, Any]:
    """Change a token; ``regenerate`` gives it a new secret."""
    name, record = _need_token(call)
    fields = _token_fields(call, record)
    shown = _token(fields)
    if call.flag("regenerate"):
        secret = str(uuid.uuid4())
        fields["hash"] = secrets_box.hash_token(secret)
        shown |= {"value": secret}
    call.node.store.table("token").put(name, fields)
    return shown


@route("DELETE", "/access/users/{userid}/token/{tokenid}")
def delete_token(call: Call) -> None:
    """Remove a token and its ACL entries."""
    _drop_token(call.node, _need_token(call)[0])


@route("GET", "/access/groups")
def list_groups(call: Call) -> list[dict[str, Any]]:
    """The groups that the caller may see."""
    found = []
    for name, record in call.node.store.table("group").items():
        if call.may_any(f"/access/groups/{name}", "User.Modify", "Sys.Audit", "Group.Allocate"):
            shown = {"groupid": name, "users": ",".join(_members(call.node, name))}
            found.append({**shown, "comment": record["comment"]} if record.get("comment") else shown)
    return found


def _members(node: Node, group: str) -> list[str]:
    return [user for user, record in node.store.table("user").items() if group in record.get("groups", [])]


@route("POST", "/access/groups")
def create_group(call: Call) -> None:
    """Make a group."""
    name = call.need("groupid")
    if name in call.node.store.table("group"):
        raise failure(f"create group failed: group '{name}' already exists")
    call.node.store.table("group").put(name, {"comment": call.get("comment") or ""})


@route("GET", "/access/groups/{groupid}")
def get_group(call: Call) -> dict[str, Any]:
    """One group."""
    record = _need_group(call, "")
    shown: dict[str, Any] = {"members": _members(call.node, call.need("groupid"))}
    return {**shown, "comment": record["comment"]} if record.get("comment") else shown


def _need_group(call: Call, doing: str) -> Record:
    name = call.need("groupid")
    record = call.node.store.table("group").get(name)
    if record is None:
        raise _no_group(name, doing)
    return record


def _no_group(name: str, doing: str) -> ApiError:
    return failure(f"{doing}group '{name}' does not exist")


@route("PUT", "/access/groups/{groupid}")
def update_group(call: Call) -> None:
    """Change a group's comment."""
    record = _need_group(call, "update group failed: ")
    call.node.store.table("group").put(call.need("groupid"), {**record, "comment": call.get("comment") or ""})


@route("DELETE", "/access/groups/{groupid}")
def delete_group(call: Call) -> None:
    """Remove a group from its members and the ACL."""
    _need_group(call, "delete group failed: ")
    name, users = call.need("groupid"), call.node.store.table("user")
    call.node.store.table("group").delete(name)
    for user in _members(call.node, name):
        users.change(user, groups=[group for group in users[user]["groups"] if group != name])
    _drop_acl(call.node, name)
