"""Network interfaces: listed, planned, and never applied."""

from __future__ import annotations

from typing import Any

from harness.embedded.node import interfaces
from harness.embedded.node.errors import bad_parameters
from harness.embedded.node.routing import Call, Result, route
from harness.embedded.node.tasks import Task

_NETWORK = "/nodes/{node}/network"
_BRIDGES = ("any_bridge", "any_local_bridge", "include_sdn")


@route("GET", _NETWORK)
def list_interfaces(call: Call) -> Result:
    """The interfaces, planned ones too, or those of a type; beside them what a reload would change."""
    kind = call.get("type")
    wanted = {"bridge", "OVSBridge"} if kind in _BRIDGES else {kind}
    found = interfaces.planned(call.node).items()
    data = [
        {"iface": name, **facts}
        for name, facts in found
        if kind is None or (facts["type"] in wanted and _may_see(call, name, facts))
    ]
    changed = interfaces.changes(call.node)
    return Result(data, {"changes": changed} if changed else {})


def _may_see(call: Call, name: str, facts: dict[str, Any]) -> bool:
    """A list of a type shows only the bridges that the caller may use."""
    place = f"/sdn/zones/localnetwork/{name}"
    return facts["type"] not in ("bridge", "OVSBridge") or call.may_any(place, "SDN.Audit", "SDN.Use")


def _need(call: Call) -> dict[str, Any]:
    found = interfaces.planned(call.node).get(call.need("iface"))
    if found is None:
        raise bad_parameters(iface="interface does not exist")
    return found


@route("GET", f"{_NETWORK}/{{iface}}")
def get_interface(call: Call) -> dict[str, Any]:
    """One interface."""
    return _need(call)


@route("POST", _NETWORK)
def create_interface(call: Call) -> None:
    """Plan an interface."""
    if call.need("iface") in interfaces.planned(call.node):
        raise bad_parameters(iface="interface already exists")
    interfaces.plan(call.node, call.need("iface"), call.params)


@route("PUT", f"{_NETWORK}/{{iface}}")
def update_interface(call: Call) -> None:
    """Plan another shape of an interface."""
    _need(call)
    interfaces.plan(call.node, call.need("iface"), call.params)


@route("DELETE", f"{_NETWORK}/{{iface}}")
def delete_interface(call: Call) -> None:
    """Plan that an interface goes."""
    _need(call)
    interfaces.unplan(call.node, call.need("iface"))


@route("PUT", _NETWORK)
def apply_plan(call: Call) -> str:
    """Start the task ``srvreload``; the plan becomes what is shown, and the machine stays as it is."""

    def work(task: Task) -> None:
        for name in interfaces.apply(call.node):
            task.log(f"{name}: applied")

    return call.node.tasks.start("srvreload", "networking", call.user, work)


@route("DELETE", _NETWORK)
def revert_plan(call: Call) -> None:
    """Plan nothing any more."""
    interfaces.revert(call.node)
