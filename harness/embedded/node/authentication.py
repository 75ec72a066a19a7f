"""Who calls: tickets in a cookie or header, API tokens, and the CSRF token of writes."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from urllib.parse import unquote

from harness.embedded.node import secrets_box
from harness.embedded.node.errors import unauthorized
from harness.embedded.node.node import Node

_OPEN = {("GET", "/access/domains"), ("GET", "/access/ticket"), ("POST", "/access/ticket")}
_TOKEN = re.compile(r"PVEAPIToken[= ](.*)", re.DOTALL)
_TICKET_HEADER = re.compile(r"PVEAuthCookie[= ](.*)", re.DOTALL)
_UPLOAD = re.compile(r"/nodes/[^/]+/storage/[^/]+/upload")


def authenticate(node: Node, method: str, path: str, headers: Mapping[str, str]) -> str:
    """The user or token that calls, empty for the calls that need none; raises 401."""
    if (method, path) in _OPEN:
        return ""
    token = _TOKEN.match(headers.get("authorization", ""))
    if token:
        return _token_user(node, unquote(token[1]))
    user = _ticket_user(node, _ticket(headers))
    if method != "GET" and not _UPLOAD.fullmatch(path):
        _check_csrf(node, user, headers.get("csrfpreventiontoken", ""))
    return user


def _ticket(headers: Mapping[str, str]) -> str:
    found = _TICKET_HEADER.match(headers.get("authorization", ""))
    if found:
        return unquote(found[1])
    cookie = re.search(r"(?:^|;\s*)PVEAuthCookie=([^;]*)", headers.get("cookie", ""))
    return unquote(cookie[1]) if cookie else ""


def _ticket_user(node: Node, ticket: str) -> str:
    if not ticket:
        raise unauthorized("No ticket")
    user = node.sealer.ticket_user(ticket)
    if user is None or not is_enabled(node, user):
        raise unauthorized("permission denied - invalid PVE ticket")
    return user


def _check_csrf(node: Node, user: str, token: str) -> None:
    if not node.sealer.csrf_fits(user, token):
        raise unauthorized("Permission denied - invalid csrf token")


def _token_user(node: Node, text: str) -> str:
    """``user@realm!name=secret``; every fault has the same answer."""
    name, _, secret = text.partition("=")
    record = node.store.table("token").get(name)
    good = record is not None and secrets_box.token_fits(secret, str(record["hash"]))
    if not good or record is None or _expired(record) or not is_enabled(node, name.partition("!")[0]):
        raise unauthorized("Authentication failed!")
    return name


def _expired(record: Mapping[str, object]) -> bool:
    expire = int(str(record.get("expire", 0)))
    return bool(expire) and expire < time.time()


def is_enabled(node: Node, user: str) -> bool:
    """Whether the user exists, is enabled and not expired."""
    if user == "root@pam":
        record = node.store.table("user").get(user)
        return record is None or bool(record.get("enable", 1))
    record = node.store.table("user").get(user)
    return record is not None and bool(record.get("enable", 1)) and not _expired(record)


def password_user(node: Node, user: str, password: str) -> bool:
    """Whether the password is right for an enabled user; a ticket of the same user is as good as its password."""
    if not is_enabled(node, user):
        return False
    if node.sealer.ticket_user(password) == user:
        return True
    stored = node.store.table("password").get(user)
    return stored is not None and secrets_box.password_fits(password, stored["hash"])


def delay(node: Node) -> None:
    """A refused sign-in answers late, as a real node's does."""
    node.stopping.wait(node.options.login_delay)
