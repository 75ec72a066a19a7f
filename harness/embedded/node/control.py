"""What the node's owner may do that no call of the PVE API does: take off a lock, plan faults, ask after health.

The paths lie below ``/embedded``, outside PVE's own, and are answered on loopback only. Everything but ``/health``
wants the key that lies in the state directory: ``Authorization: Bearer <control-key>``.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.embedded.node import routing
from harness.embedded.node.node import Node
from harness.kit import files

KEY_FILE = "control-key"
_LOOPBACK = ("127.", "::1")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to the control paths."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    peer: str


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and JSON of an answer."""

    status: int
    body: Mapping[str, Any]


Action = Callable[[Node, Mapping[str, str], Any], Mapping[str, Any]]
_actions: list[tuple[str, re.Pattern[str], Action]] = []


def action(method: str, pattern: str) -> Callable[[Action], Action]:
    """Register what answers a verb and path below ``/embedded``."""

    def keep(found: Action) -> Action:
        _actions.append((method, re.compile(pattern), found))
        return found

    return keep


def ensure_key(state: Path) -> str:
    """The key, made at the first start (mode 0600)."""
    path = state / KEY_FILE
    if not path.exists():
        files.write_atomic(path, secrets.token_hex(24) + "\n", mode=0o600)
    return path.read_text().strip()


def handle(node: Node, asked: Asked) -> Reply:
    """Answer one request; a fault of the request is told in ``error``."""
    if asked.path == "/health":
        return Reply(200, health(node))
    if not asked.peer.startswith(_LOOPBACK):
        return Reply(403, {"error": "control is for loopback only"})
    if not _key_fits(node, asked.headers.get("authorization", "")):
        return Reply(401, {"error": f"the key of the file {KEY_FILE} is missing or wrong"})
    return _act(node, asked)


def _key_fits(node: Node, header: str) -> bool:
    given = header.removeprefix("Bearer ").strip().encode()
    return bool(node.control_key) and hmac.compare_digest(given, node.control_key.encode())


def _act(node: Node, asked: Asked) -> Reply:
    try:
        given = json.loads(asked.body or b"{}")
        for method, pattern, found in _actions:
            matched = pattern.fullmatch(asked.path.removeprefix("/embedded"))
            if matched and method == asked.method:
                return Reply(200, found(node, matched.groupdict(), given))
    except (ValueError, TypeError) as wrong:
        return Reply(400, {"error": str(wrong)})
    return Reply(404, {"error": f"there is no {asked.method} {asked.path}"})


@action("GET", "/health")
def _health(node: Node, named: Mapping[str, str], given: Any) -> Mapping[str, Any]:  # noqa: ARG001 - one signature
    return health(node)


def health(node: Node) -> Mapping[str, Any]:
    """That the node answers, and how much it has to do."""
    return {
        "status": "ok",
        "node": node.name,
        "version": node.release,
        "containers": len(node.guests.all()),
        "running_tasks": len(node.tasks.running()),
        "calls_implemented": len(routing.implemented()),
        "time": int(time.time()),
    }


@action("POST", r"/unlock/(?P<vmid>\d+)")
def unlock(node: Node, named: Mapping[str, str], given: Any) -> Mapping[str, Any]:  # noqa: ARG001 - one signature
    """What ``pct unlock`` does on a host: the configuration loses its lock."""
    guest = node.guests.find(int(named["vmid"]))
    if guest is None:
        raise ValueError(f"container {named['vmid']} does not exist")
    node.guests.end(guest)
    return {"vmid": guest.vmid, "was": guest.lock}


@action("GET", "/faults")
def show_faults(node: Node, named: Mapping[str, str], given: Any) -> Mapping[str, Any]:  # noqa: ARG001 - one signature
    """The fault plan with its counts."""
    return {"fault": node.faults.shown()}


@action("PUT", "/faults")
def set_faults(node: Node, named: Mapping[str, str], given: Any) -> Mapping[str, Any]:
    """Replace the fault plan."""
    node.faults.set(given)
    return show_faults(node, named, given)


@action("DELETE", "/faults")
def clear_faults(node: Node, named: Mapping[str, str], given: Any) -> Mapping[str, Any]:
    """End the fault plan."""
    node.faults.clear()
    return show_faults(node, named, given)
