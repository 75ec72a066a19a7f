"""Snapshots: the configuration is kept here, the file system by the runtime."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from harness.embedded.node import guest_config, storages
from harness.embedded.node.errors import failure
from harness.embedded.node.guest_config import Guest
from harness.embedded.node.guests import check_lock
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_disks, guest_power, guest_spec
from harness.embedded.node.runtime import GuestError
from harness.embedded.node.tasks import Task

RESERVED = ("current", "vzdump")


def can_snapshot(node: Node, config: Mapping[str, str]) -> bool:
    """Whether every volume lies on a storage with snapshots."""
    disks = [disk for disk in guest_disks.of_config(node, config) if disk.kind == "volume"]
    return bool(disks) and all(_storage_can(node, disk) for disk in disks)


def _storage_can(node: Node, disk: guest_disks.Disk) -> bool:
    storage = node.storages.find(storages.split_volid(disk.volume)[0])
    return storage is not None and storage.kind.snapshots


def create(node: Node, user: str, vmid: int, name: str, description: str) -> str:
    """Start the task ``vzsnapshot``."""
    if name in RESERVED:
        raise failure(f"unable to use snapshot name '{name}' (reserved name)")

    def work(task: Task) -> None:
        guest = _begin_snapshot(node, vmid, name, task)
        try:
            node.runtime.snapshot(vmid, name, task.log)
        except Exception:
            node.guests.end(guest)
            raise
        _keep(node, guest, name, description)

    return node.tasks.start("vzsnapshot", vmid, user, work)


def _begin_snapshot(node: Node, vmid: int, name: str, task: Task) -> Guest:
    with node.guests.locked(vmid, task.log):
        guest = node.guests.load(vmid)
        if guest.is_template:
            raise failure("you can't take a snapshot if it's a template")
        check_lock(guest)
        if name in guest.snapshots:
            raise failure(f"snapshot name '{name}' already used")
        if not can_snapshot(node, guest.config):
            raise failure("snapshot feature is not available")
        return node.guests.begin(guest, "snapshot")


def _keep(node: Node, guest: Guest, name: str, description: str) -> None:
    kept = {key: value for key, value in guest.config.items() if key not in ("lock", "description")}
    text = guest_config.description_text(description) if description else ""
    kept |= {"snaptime": str(int(time.time())), "description": text}
    node.guests.end(replace(guest.with_config(parent=name), snapshots={**guest.snapshots, name: kept}))


def rollback(node: Node, user: str, vmid: int, name: str, *, start: bool) -> str:
    """Start the task ``vzrollback``."""

    def work(task: Task) -> None:
        guest, config = _begin_rollback(node, vmid, name, task)
        try:
            if node.is_running(vmid):
                node.runtime.stop(vmid)
            node.runtime.rollback(vmid, name, guest_spec.build(node, vmid, config), task.log)
        except Exception:
            node.guests.end(guest)
            raise
        node.guests.end(Guest(vmid, {**config, "parent": name}, snapshots=guest.snapshots))
        if start:
            guest_power.start_now(node, vmid, task.log)

    return node.tasks.start("vzrollback", vmid, user, work)


def _begin_rollback(node: Node, vmid: int, name: str, task: Task) -> tuple[Guest, dict[str, str]]:
    """The guest under its lock, and the configuration that it will have; its description stays the present one."""
    with node.guests.locked(vmid, task.log):
        guest = node.guests.load(vmid)
        if guest.is_template:
            raise failure("you can't rollback if CT is a template")
        kept = need(guest, name)
        check_lock(guest)
        config = {k: v for k, v in guest_config.snapshot_config(kept).items() if k not in ("parent", "description")}
        if "description" in guest.config:
            config["description"] = guest.config["description"]
        return node.guests.begin(guest, "rollback"), config


def delete(node: Node, user: str, vmid: int, name: str, *, force: bool) -> str:
    """Start the task ``vzdelsnapshot``; ``force`` forgets the snapshot even when the runtime cannot."""

    def work(task: Task) -> None:
        with node.guests.locked(vmid, task.log):
            guest = node.guests.load(vmid)
            kept = need(guest, name)
            if not force:
                check_lock(guest)
            guest = node.guests.begin(guest, "snapshot-delete")
        try:
            _forget(node, vmid, name, task, force=force)
        except Exception:
            node.guests.end(guest)
            raise
        node.guests.end(_without(guest, name, kept.get("parent")))

    return node.tasks.start("vzdelsnapshot", vmid, user, work)


def _forget(node: Node, vmid: int, name: str, task: Task, *, force: bool) -> None:
    try:
        node.runtime.delete_snapshot(vmid, name)
    except GuestError as error:
        if not force:
            raise
        task.warn(str(error))


def _without(guest: Guest, name: str, parent: str | None) -> Guest:
    """The guest without a snapshot; what stood on it now stands on its parent."""
    left = {other: _reparent(config, name, parent) for other, config in guest.snapshots.items() if other != name}
    return replace(guest, config=_reparent(guest.config, name, parent), snapshots=left)


def _reparent(config: Mapping[str, str], name: str, parent: str | None) -> dict[str, str]:
    if config.get("parent") != name:
        return dict(config)
    rest = {key: value for key, value in config.items() if key != "parent"}
    return {**rest, "parent": parent} if parent else rest


def need(guest: Guest, name: str) -> Mapping[str, str]:
    """The snapshot; raises PVE's 500 when there is none."""
    found = guest.snapshots.get(name)
    if found is None:
        raise failure(f"snapshot '{name}' does not exist")
    return found


def describe(node: Node, vmid: int, name: str, description: str | None) -> None:
    """Change a snapshot's description."""
    with node.guests.locked(vmid):
        guest = node.guests.load(vmid)
        check_lock(guest)
        kept = need(guest, name)
        text = guest_config.description_text(description) if description else ""
        changed = {**kept, "description": text}
        node.guests.save(replace(guest, snapshots={**guest.snapshots, name: changed}))


def listing(node: Node, guest: Guest) -> list[dict[str, object]]:
    """What ``GET …/snapshot`` shows, the present state last."""
    found: list[dict[str, object]] = []
    for name, config in guest.snapshots.items():
        item: dict[str, object] = {"name": name, "description": config.get("description", "")}
        item["snaptime"] = int(config["snaptime"])
        if "parent" in config:
            item["parent"] = config["parent"]
        found.append(item)
    running = int(node.is_running(guest.vmid))
    present: dict[str, object] = {"name": "current", "description": "You are here!", "digest": guest.digest}
    present["running"] = running
    if "parent" in guest.config:
        present["parent"] = guest.config["parent"]
    return [*found, present]
