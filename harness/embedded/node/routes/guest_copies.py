"""Templates, clones, moved volumes, migration."""

from __future__ import annotations

from typing import Any

from harness.embedded.node.errors import bad_parameters, failure, not_implemented
from harness.embedded.node.guests import check_lock
from harness.embedded.node.operations import guest_clone, guest_move, guest_reassign, guest_template, ha
from harness.embedded.node.routing import Call, route
from harness.embedded.node.runtime import CopyingRuntime

_GUEST = "/nodes/{node}/lxc/{vmid}"


@route("POST", f"{_GUEST}/template")
def convert(call: Call) -> None:
    """Convert to a template."""
    guest_template.convert(call.node, call.user, call.vmid)


def _copying(call: Call) -> CopyingRuntime:
    if isinstance(call.node.runtime, CopyingRuntime):
        return call.node.runtime
    raise not_implemented(call.method, call.path)


def _check_target(call: Call) -> None:
    target = call.get("target")
    if target not in (None, call.node.name, "localhost"):
        raise failure(f"no such cluster node '{target}'")


@route("POST", f"{_GUEST}/clone")
def clone(call: Call) -> str:
    """Clone, fully or linked."""
    _check_target(call)
    asked = guest_clone.Request(
        user=call.user,
        vmid=call.vmid,
        newid=call.number("newid", 0),
        hostname=call.get("hostname"),
        description=call.get("description"),
        storage=call.get("storage"),
        snapshot=call.get("snapname"),
        pool=call.get("pool"),
        full=call.flag("full") if "full" in call.params else None,
    )
    return guest_clone.clone(call.node, _copying(call), asked)


@route("POST", f"{_GUEST}/move_volume")
def move_volume(call: Call) -> str:
    """Move a volume to another storage."""
    target, other = call.get("storage"), call.get("target-vmid")
    if target and other:
        raise failure("either set storage or target-vmid, but not both")
    if other:
        return guest_reassign.reassign(call.node, _copying(call), _reassignment(call))
    if target is None:
        text = "both 'storage' and 'target-vmid' missing, either needs to be set"
        raise bad_parameters(storage=text, target_vmid=text)
    call.permissions.require(call.user, f"/storage/{target}", ["Datastore.AllocateSpace"])
    settings = {"key": call.need("volume"), "target": target, "digest": call.get("digest")}
    return guest_move.move(
        call.node, _copying(call), call.user, call.vmid, delete=call.flag("delete"), **_texts(settings)
    )


def _reassignment(call: Call) -> guest_reassign.Reassignment:
    key = call.need("volume")
    return guest_reassign.Reassignment(
        user=call.user,
        vmid=call.vmid,
        key=key,
        target=call.number("target-vmid", 0),
        target_key=call.get("target-volume") or key,
        digest=call.get("digest"),
        target_digest=call.get("target-digest"),
    )


def _texts(settings: dict[str, str | None]) -> dict[str, str]:
    """Keyword arguments; a digest that was not given is an empty text."""
    return {name: value or "" for name, value in settings.items()}


@route("POST", f"{_GUEST}/migrate")
def migrate(call: Call) -> str:
    """There is nowhere to go."""
    if call.need("target") in (call.node.name, "localhost"):
        raise bad_parameters(target="target is local node.")
    raise failure(f"no such cluster node '{call.need('target')}'")


@route("GET", f"{_GUEST}/migrate")
def migration_preconditions(call: Call) -> dict[str, Any]:
    """Where the container could go: there is no other node."""
    guest = call.node.guests.load(call.vmid)
    check_lock(guest)
    shown: dict[str, Any] = {"running": int(call.node.is_running(call.vmid))}
    shown |= {"allowed-nodes": [], "not-allowed-nodes": {}}
    return {**shown, "dependent-ha-resources": []} if ha.find(call.node, call.vmid) else shown


@route("POST", f"{_GUEST}/remote_migrate")
def remote_migrate(call: Call) -> str:
    """Refused as PVE refuses what it can see at once; beyond that it is not implemented."""
    check_lock(call.node.guests.load(call.vmid))
    if call.node.is_running(call.vmid) and not (call.flag("online") or call.flag("restart")):
        raise failure("can't migrate running container without --online or --restart")
    if ha.find(call.node, call.vmid):
        raise bad_parameters(vmid="cannot migrate HA-managed CT to remote cluster")
    raise not_implemented(call.method, call.path)
