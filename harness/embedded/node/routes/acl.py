"""Roles, the access control list, and what it gives to whom."""

from __future__ import annotations

import re
from typing import Any

from harness.embedded.node import expressions, roles
from harness.embedded.node.errors import bad_parameters, failure
from harness.embedded.node.grammar import formats
from harness.embedded.node.routing import Call, route
from harness.embedded.node.store import Record

_PATHS = re.compile(
    r"/|/access(?:/groups(?:/[^/]+)?|/realm(?:/[^/]+)?)?|/mapping(?:/[\w.\-]+){0,2}|/nodes(?:/[\w.\-]+)?"
    r"|/pool(?:/[\w.\-]+){0,3}|/sdn(?:/(?:zones|controllers|dns|ipams|fabrics)(?:/[\w.\-]+){0,3}|/vnets(?:/[\w.\-]+){0,2})?"
    r"|/storage(?:/[\w.\-]+)?|/vms(?:/[1-9][0-9]{2,})?"
)


@route("GET", "/access/roles")
def list_roles(call: Call) -> list[dict[str, Any]]:
    """All roles; the built-in ones are marked special."""
    built_in = roles.built_in(call.node.release)
    found = [
        {"roleid": name, "privs": ",".join(sorted(privileges)), "special": 1} for name, privileges in built_in.items()
    ]
    for name, record in call.node.store.table("role").items():
        found.append({"roleid": name, "privs": ",".join(sorted(record["privs"])), "special": 0})
    return found


@route("GET", "/access/roles/{roleid}")
def get_role(call: Call) -> dict[str, int]:
    """The privileges of a role."""
    name = call.need("roleid")
    if not call.permissions.role_exists(name):
        raise failure(f"role '{name}' does not exist")
    return dict.fromkeys(sorted(call.permissions.role_privileges(name)), 1)


@route("POST", "/access/roles")
def create_role(call: Call) -> None:
    """Make a role."""
    name = call.need("roleid")
    if name.upper().startswith("PVE"):
        raise bad_parameters(roleid="cannot use role ID starting with the (case-insensitive) 'PVE' namespace")
    if call.permissions.role_exists(name):
        raise failure(f"create role failed: role '{name}' already exists")
    call.node.store.table("role").put(name, {"privs": _privileges(call)})


def _privileges(call: Call) -> list[str]:
    known = roles.all_privileges(call.node.release)
    wanted = formats.split_list(call.get("privs") or "")
    for privilege in wanted:
        if privilege not in known:
            raise bad_parameters(privs=f"invalid format - invalid privilege '{privilege}'\n")
    return sorted(set(wanted))


def _need_own(call: Call, doing: str) -> Record:
    name = call.need("roleid")
    if name in roles.built_in(call.node.release):
        raise failure(f"auto-generated role '{name}' cannot be {'modified' if doing == 'update' else 'deleted'}")
    record = call.node.store.table("role").get(name)
    if record is None:
        raise failure(f"{doing} role failed: role '{name}' does not exist")
    return record


@route("PUT", "/access/roles/{roleid}")
def update_role(call: Call) -> None:
    """Replace a role's privileges, or add to them."""
    record = _need_own(call, "update")
    kept = record["privs"] if call.flag("append") else []
    privileges = sorted({*kept, *_privileges(call)})
    call.node.store.table("role").put(call.need("roleid"), {"privs": privileges})


@route("DELETE", "/access/roles/{roleid}")
def delete_role(call: Call) -> None:
    """Remove a role and its ACL entries."""
    _need_own(call, "delete")
    name, table = call.need("roleid"), call.node.store.table("acl")
    call.node.store.table("role").delete(name)
    for key, entry in table.items():
        if entry["roleid"] == name:
            table.delete(key)


@route("GET", "/access/acl")
def list_acl(call: Call) -> list[dict[str, Any]]:
    """The entries that the caller may change or see."""
    audit = call.may("/access", "Sys.Audit")
    found = []
    for entry in call.permissions.entries():
        if audit or call.may_any(entry.path, "Permissions.Modify"):
            shown = {"path": entry.path, "type": entry.kind, "ugid": entry.subject, "roleid": entry.role}
            found.append({**shown, "propagate": int(entry.propagate)})
    return found


@route("PUT", "/access/acl")
def update_acl(call: Call) -> None:
    """Add or remove roles of users, groups and tokens on a path."""
    path = _normal(call.need("path"))
    subjects = _subjects(call)
    wanted = formats.split_list(call.need("roles"))
    _check_subjects(call, subjects)
    for role in wanted:
        if not call.permissions.role_exists(role):
            raise failure(f"ACL update failed: role '{role}' does not exist")
    _check_grant(call, path, wanted)
    table = call.node.store.table("acl")
    for kind, subject in subjects:
        for role in wanted:
            key = f"{path} {kind} {subject} {role}"
            if call.flag("delete"):
                table.delete(key)
            else:
                fields = {"path": path, "type": kind, "ugid": subject, "roleid": role}
                table.put(key, {**fields, "propagate": call.flag("propagate", default=True)})


def _normal(path: str) -> str:
    normal = "/" + "/".join(part for part in path.split("/") if part)
    if not _PATHS.fullmatch(normal):
        raise bad_parameters(path=f"invalid ACL path '{path}'")
    return normal


def _subjects(call: Call) -> list[tuple[str, str]]:
    found = []
    for name, kind in (("groups", "group"), ("users", "user"), ("tokens", "token")):
        found += [(kind, subject) for subject in formats.split_list(call.get(name) or "")]
    if not found:
        text = "either 'users', 'groups' or 'tokens' is required."
        raise bad_parameters(users=text, groups=text, tokens=text)
    return found


def _check_subjects(call: Call, subjects: list[tuple[str, str]]) -> None:
    for kind, subject in subjects:
        if subject not in call.node.store.table(kind):
            if kind == "user":
                raise failure(f"ACL update failed: user '{subject}' does not exist")
            if kind == "group":
                raise failure(f"ACL update failed: group '{subject}' does not exist")
            user, _, token = subject.partition("!")
            raise failure(f"ACL update failed: no such token '{token}' for user '{user}'")


def _check_grant(call: Call, path: str, wanted: list[str]) -> None:
    """Without Permissions.Modify nobody gives away what he has not."""
    if call.may(path, "Permissions.Modify"):
        return
    expressions.require_modify(call.permissions, call.user, path)
    for role in wanted:
        for privilege in call.permissions.role_privileges(role):
            call.permissions.require(call.user, path, [privilege])


@route("GET", "/access/permissions")
def effective_permissions(call: Call) -> dict[str, dict[str, int]]:
    """The privileges of the caller, or of another user for those who may audit."""
    who = call.get("userid") or call.user
    if who != call.user and not who.startswith(f"{call.user}!"):
        call.permissions.require(call.user, "/access", ["Sys.Audit"])
    path = call.get("path")
    found = {}
    for place in [path] if path else call.permissions.paths():
        held = call.permissions.privileges(who, place)
        if held or path:
            found[place] = {privilege: int(inherited) for privilege, inherited in sorted(held.items())}
    return found
