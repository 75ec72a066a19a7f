"""The node's network interfaces: its bridges, as they were made at start."""

from __future__ import annotations

from typing import Any

from harness.embedded.node.errors import bad_parameters, failure
from harness.embedded.node.node import Node
from harness.embedded.node.routing import Call, route
from harness.embedded.node.runtime import Bridge

_BRIDGE_TYPES = (None, "bridge", "any_bridge", "any_local_bridge", "include_sdn")


@route("GET", "/nodes/{node}/network")
def list_interfaces(call: Call) -> list[dict[str, Any]]:
    """The bridges, and those of an asked type only."""
    kind = call.get("type")
    if kind not in _BRIDGE_TYPES:
        return []
    return [{"iface": name, **facts} for name, facts in interfaces(call.node).items()]


def interfaces(node: Node) -> dict[str, dict[str, Any]]:
    """The interfaces by name."""
    return {bridge.name: _facts(bridge, index) for index, bridge in enumerate(node.options.bridges)}


def _facts(bridge: Bridge, index: int) -> dict[str, Any]:
    return {
        "type": "bridge",
        "active": 1,
        "autostart": 1,
        "method": "static",
        "method6": "manual",
        "families": ["inet"],
        "address": str(bridge.address.ip),
        "netmask": str(bridge.address.network.prefixlen),
        "cidr": str(bridge.address),
        "gateway": str(bridge.address.ip),
        "bridge_ports": "",
        "bridge_stp": "off",
        "bridge_fd": "0",
        "priority": 4 + index,
    }


@route("GET", "/nodes/{node}/network/{iface}")
def get_interface(call: Call) -> dict[str, Any]:
    """One interface."""
    found = interfaces(call.node).get(call.need("iface"))
    if found is None:
        raise bad_parameters(iface="interface does not exist")
    return found


@route("POST", "/nodes/{node}/network")
def create_interface(call: Call) -> None:
    """Bridges come from the command line only."""
    if call.need("iface") in interfaces(call.node):
        raise bad_parameters(iface="interface already exists")
    raise failure("network configuration is fixed on this node")


@route("DELETE", "/nodes/{node}/network/{iface}")
def delete_interface(call: Call) -> None:
    """Bridges come from the command line only."""
    if call.need("iface") not in interfaces(call.node):
        raise bad_parameters(iface="interface does not exist")
    raise failure("network configuration is fixed on this node")
