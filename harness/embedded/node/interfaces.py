"""The node's network interfaces: its bridges, as they were made at start, and what was asked for since.

New and changed interfaces stay pending until they are applied, which changes what is shown and nothing on the machine.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from ipaddress import IPv4Interface
from typing import Any

from harness.embedded.node.node import Node
from harness.embedded.node.runtime import Bridge

_FIRST_PRIORITY = 4
_PORT = {"type": "eth", "active": 1, "families": ["inet"], "method": "manual", "method6": "manual"}
_FILE = "/etc/network/interfaces"


def active(node: Node) -> dict[str, dict[str, Any]]:
    """The interfaces by name: those of the host, with what was applied since."""
    found: dict[str, dict[str, Any]] = {}
    ports = sorted({port for bridge in node.options.bridges for port in _ports(node, bridge)})
    for name in ports:
        found[name] = {**_PORT, "priority": _FIRST_PRIORITY - 1}
    for index, bridge in enumerate(node.options.bridges):
        found[bridge.name] = _facts(node, bridge, index)
    applied = node.store.table("interface-applied").items()
    return {**found, **{name: dict(record["facts"]) for name, record in applied}}


def _ports(node: Node, bridge: Bridge) -> list[str]:
    """The first bridge has the host's first network card; further ones have none."""
    return ["eth0"] if bridge == node.options.bridges[0] else []


def _gateway(bridge: Bridge) -> dict[str, str]:
    """The first address of the network, as a default installation has it; a bridge that is it has none."""
    first = bridge.address.network.network_address + 1
    return {} if first == bridge.address.ip else {"gateway": str(first)}


def _facts(node: Node, bridge: Bridge, index: int) -> dict[str, Any]:
    return {
        **_bridge_defaults(),
        **_address(bridge.address),
        "type": "bridge",
        "active": 1,
        "autostart": 1,
        **_gateway(bridge),
        "bridge_ports": " ".join(_ports(node, bridge)),
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


def apply(node: Node) -> list[str]:
    """Let what was planned be what is shown as the host's; returns the names."""
    table, applied = node.store.table("interface"), node.store.table("interface-applied")
    names = list(table)
    shown = planned(node)
    for name in names:
        if name in shown:
            applied.put(name, {"facts": {**shown[name], "active": 1}})
        else:
            applied.delete(name)
    revert(node)
    return names


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
