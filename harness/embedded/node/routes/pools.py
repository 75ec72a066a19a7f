"""Pools."""

from __future__ import annotations

from typing import Any

from harness.embedded.node import guest_status, storage_status
from harness.embedded.node.errors import failure
from harness.embedded.node.grammar.formats import split_list
from harness.embedded.node.routing import Call, route
from harness.embedded.node.store import Record


@route("GET", "/pools")
def list_pools(call: Call) -> list[dict[str, Any]]:
    """The pools that the caller may see; with ``poolid`` that one and its members."""
    wanted = call.get("poolid")
    if wanted:
        call.permissions.require(call.user, f"/pool/{wanted}", ["Pool.Audit"])
        return [{"poolid": wanted, **_full(call, wanted)}]
    visible = [name for name in call.node.pools.table if call.may_any(f"/pool/{name}", "Pool.Audit")]
    return [{"poolid": name, **_comment(call.node.pools.table[name])} for name in visible]


def _comment(record: Record) -> dict[str, str]:
    return {"comment": record["comment"]} if record.get("comment") else {}


def _full(call: Call, name: str) -> dict[str, Any]:
    record = call.node.pools.need(name)
    return {**_comment(record), "members": _members(call, record)}


def _members(call: Call, record: Record) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    kind = call.get("type")
    for vmid in record["guests"]:
        guest = call.node.guests.find(vmid)
        if guest and kind in (None, "lxc"):
            found.append(guest_status.resource(call.node.name, guest, call.node.state(vmid), None))
    for name in record["storages"]:
        storage = call.node.storages.find(name)
        if storage and kind in (None, "storage"):
            found.append(storage_status.resource(call.node.name, call.node.storages, storage))
    return found


@route("GET", "/pools/{poolid}")
def get_pool(call: Call) -> dict[str, Any]:
    """One pool and its members."""
    return {"poolid": call.need("poolid"), **_full(call, call.need("poolid"))}


@route("POST", "/pools")
def create_pool(call: Call) -> None:
    """Make an empty pool."""
    name = call.need("poolid")
    if name in call.node.pools.table:
        raise failure(f"create pool failed: pool '{name}' already exists")
    parent = name.rpartition("/")[0]
    if parent and parent not in call.node.pools.table:
        raise failure(f"create pool failed: parent '{parent}' of pool '{name}' does not exist")
    call.node.pools.table.put(name, {"comment": call.get("comment") or "", "guests": [], "storages": []})


@route("PUT", "/pools")
@route("PUT", "/pools/{poolid}")
def update_pool(call: Call) -> None:
    """Change the comment, add or remove members."""
    name = call.need("poolid")
    record = call.node.pools.table.get(name)
    if record is None:
        raise failure(f"update pools failed: pool '{name}' does not exist")
    vmids = [int(text) for text in split_list(call.get("vms") or "")]
    names = split_list(call.get("storage") or "")
    _check_members(call, name, record, vmids, names)
    remove = call.flag("delete")
    guests = _changed(record["guests"], vmids, remove=remove)
    storages = _changed(record["storages"], names, remove=remove)
    comment = call.get("comment") if "comment" in call.params else record["comment"]
    if not remove:
        for vmid in vmids:
            call.node.pools.drop_guest(vmid)
    call.node.pools.table.put(name, {"comment": comment, "guests": guests, "storages": storages})


def _changed(old: list[Any], given: list[Any], *, remove: bool) -> list[Any]:
    if remove:
        return [item for item in old if item not in given]
    return [*old, *(item for item in given if item not in old)]


def _check_members(call: Call, name: str, record: Record, vmids: list[int], storages: list[str]) -> None:
    for vmid in vmids:
        call.permissions.require_any(call.user, f"/vms/{vmid}", ["VM.Allocate", "Permissions.Modify"])
        where = call.node.pools.of_guest(vmid)
        if call.flag("delete"):
            if vmid not in record["guests"]:
                raise failure(f"update pools failed: VM {vmid} is not a pool member")
        elif where == name:
            raise failure(f"update pools failed: VM {vmid} is already a pool member")
        elif where and not call.flag("allow-move"):
            raise failure(f"update pools failed: VM {vmid} belongs already to pool '{where}' and allow-move is not set")
    for storage in storages:
        call.permissions.require(call.user, f"/storage/{storage}", ["Datastore.Allocate"])
        if call.flag("delete") and storage not in record["storages"]:
            raise failure(f"update pools failed: Storage '{storage}' is not a pool member")


@route("DELETE", "/pools")
@route("DELETE", "/pools/{poolid}")
def delete_pool(call: Call) -> None:
    """Remove an empty pool."""
    name = call.need("poolid")
    record = call.node.pools.table.get(name)
    if record is None:
        raise failure(f"delete pool failed: pool '{name}' does not exist")
    guests = [vmid for vmid in sorted(record["guests"]) if call.node.guests.find(vmid)]
    if guests:
        raise failure(f"delete pool failed: pool '{name}' is not empty (contains VM {guests[0]})")
    storages = [storage for storage in sorted(record["storages"]) if call.node.storages.find(storage)]
    if storages:
        raise failure(f"delete pool failed: pool '{name}' is not empty (contains storage '{storages[0]}')")
    call.node.pools.table.delete(name)
    for key, entry in call.node.store.table("acl").items():
        if entry["path"] == f"/pool/{name}":
            call.node.store.table("acl").delete(key)
