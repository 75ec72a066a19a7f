"""Realms: the two built-in ones, and records of others, which sign nobody in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.embedded.node.errors import failure
from harness.embedded.node.grammar.formats import split_list
from harness.embedded.node.guests import modified
from harness.embedded.node.node import Node
from harness.embedded.node.realms import BUILT_IN, digest, known
from harness.embedded.node.routing import Call, route

_DOMAINS = "/access/domains"
_CONTROL = frozenset(("realm", "delete", "digest", "check-connection", "password"))
_NUMBERS = frozenset(("default", "autocreate", "case-sensitive", "port", "secure", "verify", "query-userinfo"))
_NEEDED = {
    "ldap": ("base_dn", "server1", "user_attr"),
    "ad": ("domain", "server1"),
    "openid": ("client-id", "issuer-url"),
}


@route("GET", _DOMAINS)
def list_domains(call: Call) -> list[dict[str, Any]]:
    """The realms, visible before signing in."""
    shown = ("type", "comment", "default", "tfa")
    found = known(call.node.store).items()
    return [{"realm": name, **{k: v for k, v in realm.items() if k in shown}} for name, realm in found]


@route("GET", f"{_DOMAINS}/{{realm}}")
def get_domain(call: Call) -> dict[str, Any]:
    """One realm."""
    return {**_need(call.node, call.need("realm"), ""), "digest": digest(call.node.store)}


def _need(node: Node, name: str, doing: str) -> Mapping[str, Any]:
    realm = known(node.store).get(name)
    if realm is None:
        raise failure(f"{doing}domain '{name}' does not exist")
    return realm


def _fields(call: Call) -> dict[str, Any]:
    given = {key: value for key, value in call.params.items() if key not in _CONTROL and value is not None}
    return {key: int(value) if key in _NUMBERS else value for key, value in given.items()}


@route("POST", _DOMAINS)
def create_domain(call: Call) -> None:
    """Note a realm."""
    name, kind = call.need("realm"), call.need("type")
    if name in known(call.node.store):
        raise failure(f"add auth server failed: domain '{name}' already exists")
    if kind in BUILT_IN:
        raise failure(f"add auth server failed: unable to create builtin type '{kind}'")
    missing = [key for key in _NEEDED.get(kind, ()) if not call.get(key)]
    if missing:
        raise failure(f"add auth server failed: missing value for required option '{missing[0]}'")
    _put(call, name, _fields(call))


def _put(call: Call, name: str, fields: Mapping[str, Any]) -> None:
    table = call.node.store.table("realm")
    if fields.get("default"):
        for other, realm in known(call.node.store).items():
            if realm.get("default"):
                table.put(other, {key: value for key, value in realm.items() if key != "default"})
    table.put(name, fields)


@route("PUT", f"{_DOMAINS}/{{realm}}")
def update_domain(call: Call) -> None:
    """Change a realm."""
    name = call.need("realm")
    if call.get("digest") not in (None, digest(call.node.store)):
        raise failure(f"update auth server failed: {modified()}")
    realm = _need(call.node, name, "update auth server failed: ")
    removed = split_list(call.get("delete") or "")
    if not removed and not _fields(call):
        raise failure("update auth server failed: no options specified")
    kept = {key: value for key, value in realm.items() if key not in removed}
    _put(call, name, {**kept, **_fields(call)})


@route("DELETE", f"{_DOMAINS}/{{realm}}")
def delete_domain(call: Call) -> None:
    """Forget a realm."""
    name = call.need("realm")
    _need(call.node, name, "delete auth server failed: ")
    if name in BUILT_IN:
        raise failure(f"delete auth server failed: unable to delete builtin type '{name}'")
    call.node.store.table("realm").delete(name)
