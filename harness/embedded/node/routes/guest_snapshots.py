"""Snapshots of containers."""

# ruff: noqa: ARG001 - every handler takes the call

from __future__ import annotations

from typing import Any

from harness.embedded.node import guest_config
from harness.embedded.node.operations import guest_snapshots
from harness.embedded.node.routes.guests import rules
from harness.embedded.node.routing import Call, route

_SNAPSHOTS = "/nodes/{node}/lxc/{vmid}/snapshot"
_ONE = f"{_SNAPSHOTS}/{{snapname}}"


@route("GET", _SNAPSHOTS)
def list_snapshots(call: Call) -> list[dict[str, Any]]:
    """All snapshots and the present state."""
    return guest_snapshots.listing(call.node, call.node.guests.load(call.vmid))


@route("POST", _SNAPSHOTS)
def create_snapshot(call: Call) -> str:
    """Keep configuration and file system under a name."""
    name, text = call.need("snapname"), call.get("description") or ""
    return guest_snapshots.create(call.node, call.user, call.vmid, name, text)


@route("GET", _ONE)
def snapshot_index(call: Call) -> list[dict[str, str]]:
    """What there is of a snapshot."""
    return [{"cmd": "rollback"}, {"cmd": "config"}]


@route("DELETE", _ONE)
def delete_snapshot(call: Call) -> str:
    """Forget a snapshot."""
    name, force = call.need("snapname"), call.flag("force")
    return guest_snapshots.delete(call.node, call.user, call.vmid, name, force=force)


@route("GET", f"{_ONE}/config")
def snapshot_config(call: Call) -> dict[str, Any]:
    """The configuration that a snapshot kept."""
    guest = call.node.guests.load(call.vmid)
    kept = guest_snapshots.need(guest, call.need("snapname"))
    shown = {key: value for key, value in kept.items() if value}
    return {**guest_config.typed(shown, rules(call)), "digest": guest.digest}


@route("PUT", f"{_ONE}/config")
def update_snapshot(call: Call) -> None:
    """Change a snapshot's description."""
    guest_snapshots.describe(call.node, call.vmid, call.need("snapname"), call.get("description"))


@route("POST", f"{_ONE}/rollback")
def rollback(call: Call) -> str:
    """Bring a snapshot back."""
    start = call.flag("start")
    return guest_snapshots.rollback(call.node, call.user, call.vmid, call.need("snapname"), start=start)
