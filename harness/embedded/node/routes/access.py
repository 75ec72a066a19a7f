"""Signing in: tickets, passwords, realms."""

from __future__ import annotations

import re
from typing import Any

from harness.embedded.node import authentication, realms, secrets_box
from harness.embedded.node.errors import ApiError, failure, invalid
from harness.embedded.node.grammar import formats, verify
from harness.embedded.node.routing import Call, route

_CAPABILITIES = {
    "vms": ("/vms", r"VM\.|Permissions\.Modify$"),
    "storage": ("/storage", r"Datastore\.|Permissions\.Modify$"),
    "nodes": ("/nodes", r"Sys\.|Permissions\.Modify$"),
    "access": ("/access", r"User\.|Group\.|Permissions\.Modify$"),
    "sdn": ("/sdn", r"SDN\.|Permissions\.Modify$"),
    "mapping": ("/mapping", r"Mapping\.|Permissions\.Modify$"),
    "dc": ("/", r"Sys\.Audit$|Sys\.Modify$|SDN\."),
}


@route("GET", "/access/ticket")
def get_ticket(call: Call) -> None:
    """Nothing: the path exists so that browsers may ask for it."""


@route("POST", "/access/ticket")
def create_ticket(call: Call) -> dict[str, Any]:
    """A ticket for user and password (or an earlier ticket); every refusal has one text and comes late."""
    user = call.need("username")
    if "@" not in user:
        user = f"{user}@{call.get('realm') or 'pam'}"
    if not authentication.password_user(call.node, user, call.need("password")):
        authentication.delay(call.node)
        call.node.events.note(f"authentication failure; rhost=127.0.0.1 user={user} msg=no such user", user)
        raise ApiError(401, "authentication failure")
    call.node.events.note(f"successful auth for user '{user}'")
    return {
        "username": user,
        "ticket": call.node.sealer.ticket(user),
        "CSRFPreventionToken": call.node.sealer.csrf_token(user),
        "cap": _capabilities(call, user),
    }


def _capabilities(call: Call, user: str) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for name, (path, pattern) in _CAPABILITIES.items():
        held = call.permissions.privileges(user, path)
        found[name] = {privilege: 1 for privilege in sorted(held) if re.match(pattern, privilege)}
    return found


@route("PUT", "/access/password")
def change_password(call: Call) -> None:
    """Set a user's password; others than root@pam must give their own."""
    user, password = call.need("userid"), call.need("password")
    if call.node.store.table("user").get(user) is None:
        raise failure(f"no such user ('{user}')")
    _check_realm(call, user)
    confirmed = call.get("confirmation-password")
    if call.user != "root@pam" and not authentication.password_user(call.node, call.user, confirmed or ""):
        if confirmed is None:
            raise invalid({"confirmation-password": verify.MISSING})
        authentication.delay(call.node)
        raise ApiError(401, "authentication failure")
    call.node.store.table("password").put(user, {"hash": secrets_box.hash_password(password)})
    call.node.events.note(f"changed password for user '{user}'", call.user)


def _check_realm(call: Call, user: str) -> None:
    realm = formats.parse_userid(user)[1]
    if realm not in realms.known(call.node.store):
        raise failure(f"auth domain '{realm}' does not exist")
