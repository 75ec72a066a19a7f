"""The node itself: list, status, version, clock, names."""

# ruff: noqa: ARG001 - every handler takes the call

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.embedded.node import host_facts
from harness.embedded.node.errors import failure
from harness.embedded.node.routing import Call, route

VERSIONS: Mapping[str, Mapping[str, str]] = {
    "9.2": {"version": "9.2.11", "release": "9.2", "repoid": "14a22df35955d97d"},
    "8.4": {"version": "8.4.5", "release": "8.4", "repoid": "57892e8e686cb35b"},
}


@route("GET", "/version")
@route("GET", "/nodes/{node}/version")
def version(call: Call) -> Mapping[str, str]:
    """The release that this node speaks as."""
    return VERSIONS[call.node.release]


@route("GET", "/nodes")
def list_nodes(call: Call) -> list[dict[str, Any]]:
    """This node; its numbers only for those who may audit it."""
    shown: dict[str, Any] = {"id": f"node/{call.node.name}", "node": call.node.name, "type": "node", "level": ""}
    shown |= {"status": "online", "ssl_fingerprint": call.node.fingerprint}
    if call.may(f"/nodes/{call.node.name}", "Sys.Audit"):
        shown |= host_facts.summary()
    return [shown]


@route("GET", "/nodes/{node}/status")
def status(call: Call) -> dict[str, Any]:
    """Processor, memory, file system and kernel of the host."""
    known = VERSIONS[call.node.release]
    return {**host_facts.status(), "pveversion": f"pve-manager/{known['version']}/{known['repoid']}"}


@route("GET", "/nodes/{node}/netstat")
def netstat(call: Call) -> list[dict[str, Any]]:
    """Counters of the containers' interfaces."""
    found = []
    for vmid, state in call.node.runtime.states().items():
        if state.running:
            found.append({"vmid": str(vmid), "dev": "net0", "in": str(state.netin), "out": str(state.netout)})
    return found


@route("GET", "/nodes/{node}/subscription")
def subscription(call: Call) -> dict[str, str]:
    """There is none."""
    url = "https://www.proxmox.com/en/proxmox-virtual-environment/pricing"
    return {"status": "notfound", "message": "There is no subscription key", "url": url}


@route("POST", "/nodes/{node}/wakeonlan")
def wake(call: Call) -> None:
    """A node cannot wake itself."""
    raise failure(f"'{call.need('node')}' is local node, cannot wake my self!")
