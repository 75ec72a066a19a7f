"""The node's network interfaces: its bridges, as they were made at start, and what was asked for since.

New and changed interfaces stay pending, as on PVE until they are applied; here nothing ever applies them.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from ipaddress import IPv4Interface
from typing import Any

from harness.embedded.node.node import Node
from harness.embedded.node.runtime import Bridge

_FIRST_PRIORITY = 4
_FILE = "/etc/network/interfaces"


def active(node: Node) -> dict[str, dict[str, Any]]:
    """The bridges by name."""
    return {bridge.name: _facts(bridge, index) for index, bridge in enumerate(node.options.bridges)}


def _facts(bridge: Bridge, index: int) -> dict[str, Any]:
    return {
        **_bridge_defaults(),
        **_address(bridge.address),
        "type": "bridge",
        "active": 1,
        "autostart": 1,
        "gateway": str(bridge.address.ip),
        "priority": _FIRST_PRIORITY + index,
    }


def _bridge_defaults() -> dict[str, Any]:
    shared = {"method": "static", "method6": "manual", "families": ["inet"]}
    return {**shared, "bridge_ports": "", "bridge_stp": "off", "bridge_fd": "0"}


def _address(address: IPv4Interface) -> dict[str, str]:
    return {"address": str(address.ip), "netmask": str(address.network.prefixlen), "cidr": str(address)}


def planned(node: Node) -> dict[str, dict[str, Any]]:
    """The interfaces as they would be after a reload."""
    found = active(node)
    for name, record in node.store.table("interface").items():
        if record.get("removed"):
            found.pop(name, None)
        else:
            found[name] = {**record["facts"], "priority": _FIRST_PRIORITY + len(found)}
    return found


def plan(node: Node, name: str, params: Mapping[str, Any]) -> None:
    """Note an interface that was asked for."""
    facts: dict[str, Any] = dict(params)
    facts.pop("node", None)
    facts.pop("iface", None)
    if facts.get("autostart") is not None:
        facts["autostart"] = int(facts["autostart"])
    if facts.get("cidr"):
        facts |= _address(IPv4Interface(facts["cidr"]))
    elif facts.get("address") and facts.get("netmask"):
        facts |= _address(IPv4Interface(f"{facts['address']}/{facts['netmask']}"))
    defaults = _bridge_defaults() if facts.get("type") == "bridge" else {"families": ["inet"], "method6": "manual"}
    method = "static" if facts.get("cidr") else "manual"
    node.store.table("interface").put(name, {"facts": {**defaults, **facts, "method": method}})


def unplan(node: Node, name: str) -> None:
    """Note that an interface is to go."""
    if name in active(node):
        node.store.table("interface").put(name, {"removed": True})
    else:
        node.store.table("interface").delete(name)


def revert(node: Node) -> None:
    """Forget everything that was asked for."""
    for name in node.store.table("interface"):
        node.store.table("interface").delete(name)


def changes(node: Node) -> str:
    """What a reload would change, as a difference of the configuration file; empty when nothing."""
    before, after = _file(active(node)), _file(planned(node))
    lines = difflib.unified_diff(before, after, _FILE, f"{_FILE}.new", "\t", "\t", lineterm="\n")
    return "".join(lines)


def _file(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    lines = ["auto lo\n", "iface lo inet loopback\n"]
    for name, facts in found.items():
        lines += ["\n"] + ([f"auto {name}\n"] if facts.get("autostart") else [])
        lines.append(f"iface {name} inet {facts['method']}\n")
        if "cidr" in facts:
            lines.append(f"\taddress {facts['cidr']}\n")
        lines += [f"\t{key.replace('_', '-')} {value}\n" for key, value in facts.items() if key.startswith("bridge_")]
    return lines
