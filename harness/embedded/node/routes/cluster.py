"""The cluster of one node: resources, free ids, status, options."""

from __future__ import annotations

from typing import Any

from harness.embedded.node import guest_status, host_facts, storage_status
from harness.embedded.node.errors import bad_parameters, failure
from harness.embedded.node.node import Node
from harness.embedded.node.routing import Call, route

_FIRST_ID, _LAST_ID = 100, 999_999_999
_VM_PRIVILEGES = ("VM.Audit",)


@route("GET", "/cluster/nextid")
def next_id(call: Call) -> str:
    """The id that was asked about when it is free, else the lowest free one."""
    wanted = call.get("vmid")
    taken = {guest.vmid for guest in call.node.guests.all()}
    if wanted is not None:
        if int(wanted) in taken:
            raise bad_parameters(vmid=f"VM {wanted} already exists")
        return wanted
    free = next((n for n in range(_FIRST_ID, _LAST_ID + 1) if n not in taken), None)
    if free is None:
        raise failure("unable to get any free VMID in range [100, 999999999]")
    return str(free)


@route("GET", "/cluster/resources")
def resources(call: Call) -> list[dict[str, Any]]:
    """Everything that the caller may see, of one type when asked so."""
    kind = call.get("type")
    parts = {"pool": _pools, "vm": _guests, "node": _nodes, "storage": _storages, "sdn": _zones}
    wanted = [kind] if kind else list(parts)
    return [item for name in wanted if name in parts for item in parts[name](call)]


def _pools(call: Call) -> list[dict[str, Any]]:
    names = [name for name in call.node.pools.table if call.may_any(f"/pool/{name}", "Pool.Audit")]
    return [{"id": f"/pool/{name}", "pool": name, "type": "pool"} for name in names]


def _guests(call: Call) -> list[dict[str, Any]]:
    states = call.node.runtime.states()
    pools = {vmid: name for name, record in call.node.pools.table.items() for vmid in record["guests"]}
    found = []
    for guest in call.node.guests.all():
        if call.may(f"/vms/{guest.vmid}", *_VM_PRIVILEGES):
            pool = pools.get(guest.vmid)
            shown = pool if pool and call.may_any(f"/pool/{pool}", "Pool.Audit") else None
            state = states.get(guest.vmid, guest_status.STOPPED)
            found.append(guest_status.resource(call.node.name, guest, state, shown))
    return found


def _nodes(call: Call) -> list[dict[str, Any]]:
    shown: dict[str, Any] = {"id": f"node/{call.node.name}", "node": call.node.name, "type": "node"}
    shown |= {"status": "online", "level": ""}
    if call.may(f"/nodes/{call.node.name}", "Sys.Audit"):
        shown |= {**host_facts.summary(), "cgroup-mode": 2}
    return [shown]


def _storages(call: Call) -> list[dict[str, Any]]:
    privileges = ("Datastore.Audit", "Datastore.AllocateSpace")
    storages = [s for s in call.node.storages.all() if s.enabled and call.may_any(f"/storage/{s.name}", *privileges)]
    return [storage_status.resource(call.node.name, call.node.storages, storage) for storage in storages]


def _zones(call: Call) -> list[dict[str, Any]]:
    if not call.may_any("/sdn/zones/localnetwork", "SDN.Audit", "SDN.Use"):
        return []
    node = call.node.name
    shown = {"id": f"network/{node}/zone/localnetwork", "network": "localnetwork", "network-type": "zone"}
    return [{**shown, "node": node, "status": "ok", "type": "network"}]


@route("GET", "/cluster/status")
def cluster_status(call: Call) -> list[dict[str, Any]]:
    """The node; there is no cluster."""
    address = next((str(bridge.address.ip) for bridge in call.node.options.bridges), "127.0.0.1")
    shown = {"id": f"node/{call.node.name}", "name": call.node.name, "type": "node", "ip": address}
    return [{**shown, "level": "", "local": 1, "nodeid": 0, "online": 1}]


@route("GET", "/cluster/options")
def cluster_options(call: Call) -> dict[str, Any]:
    """The datacenter's options."""
    stored = call.node.store.table("datacenter").get("options") or {}
    shown = {"allowed-tags": [], "description": "", "keyboard": "en-us", "mac_prefix": "BC:24:11", **stored}
    return shown if call.may_any("/", "Sys.Audit", "Sys.Modify") else {"allowed-tags": []}


@route("PUT", "/cluster/options")
def set_cluster_options(call: Call) -> None:
    """Keep what is set; nothing depends on it."""
    table = call.node.store.table("datacenter")
    removed = {name: None for name in (call.get("delete") or "").split(",") if name}
    table.change("options", **{k: v for k, v in call.params.items() if k != "delete"}, **removed)


@route("GET", "/cluster/log")
def cluster_log(call: Call) -> list[dict[str, Any]]:
    """The newest lines of the log; the caller's own for those who may not audit."""
    lines = call.node.events.newest(call.number("max", 50))
    return lines if call.may("/", "Sys.Syslog") else [line for line in lines if line["user"] == call.user]


@route("GET", "/cluster/ha/status/current")
def ha_status(call: Call) -> list[dict[str, Any]]:
    """Nobody manages anything."""
    node: Node = call.node
    quorum = {"id": "quorum", "node": node.name, "quorate": 1, "status": "OK", "type": "quorum"}
    fencing = {"id": "fencing", "node": node.name, "type": "fencing", "armed-state": "standby"}
    return [quorum, {**fencing, "status": "standby (CRM watchdog standby)"}]
