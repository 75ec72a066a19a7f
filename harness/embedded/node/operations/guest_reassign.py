"""Moving a volume to another container."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.embedded.node import storages
from harness.embedded.node.errors import failure
from harness.embedded.node.guest_config import Guest
from harness.embedded.node.guests import check_digest, check_lock
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_disks, guest_move
from harness.embedded.node.runtime import CopyingRuntime
from harness.embedded.node.tasks import Task
from harness.kit.errors import HarnessError

_UNUSED = re.compile(r"unused\d+")


@dataclass(frozen=True, slots=True)
class Reassignment:
    """Which volume goes where."""

    user: str
    vmid: int
    key: str
    target: int
    target_key: str
    digest: str | None
    target_digest: str | None


def reassign(node: Node, runtime: CopyingRuntime, asked: Reassignment) -> str:
    """Start the task ``move_volume``; raises as PVE does, in its order."""
    node.permissions.require(asked.user, f"/vms/{asked.target}", ["VM.Config.Disk"])
    volume = _check(node, asked)
    node.permissions.require(asked.user, f"/storage/{storages.split_volid(volume)[0]}", ["Datastore.AllocateSpace"])

    def work(task: Task) -> None:
        with node.guests.locked(asked.vmid, task.log), node.guests.locked(asked.target, task.log):
            _check(node, asked)
            task.log(f"moving volume '{asked.key}' from container '{asked.vmid}' to '{asked.target}'")
            _hand_over(node, runtime, asked, task)

    subject = f"{asked.vmid}-{asked.key}>{asked.target}-{asked.target_key}"
    return node.tasks.start("move_volume", subject, asked.user, work)


def _check(node: Node, asked: Reassignment) -> str:
    """Raise for what cannot be moved; returns the volume."""
    if "rootfs" in (asked.key, asked.target_key):
        raise failure("Cannot move to/from 'rootfs'")
    if _UNUSED.fullmatch(asked.key) and not _UNUSED.fullmatch(asked.target_key):
        raise failure("Moving an unused volume to a used one is not possible")
    source, target = _guest(node, asked.vmid), _guest(node, asked.target)
    if source.is_template or target.is_template:
        raise failure("Can't move volumes from or to template CT")
    _check_one_digest(source, asked.digest)
    _check_one_digest(target, asked.target_digest)
    if asked.key not in source.config:
        raise failure(f"volume '{asked.key}' for container '{asked.vmid}' does not exist")
    if asked.target_key in target.config:
        raise failure(f"Target volume key '{asked.target_key}' is already in use for container '{asked.target}'")
    disk = _disk(node, source, asked.key)
    if guest_move.in_snapshots(node, source, disk.volume):
        raise failure("Cannot move volume used by a snapshot to another container")
    if disk.kind != "volume":
        raise failure("Cannot move a bindmount or device mount to another container")
    if node.is_running(asked.vmid) and not _UNUSED.fullmatch(asked.key):
        raise failure("Cannot move in-use volume while the source CT is running - detach or shutdown first")
    return disk.volume


def _guest(node: Node, vmid: int) -> Guest:
    found = node.guests.find(vmid)
    if found is None:
        raise failure(f"could not find CT {vmid}")
    check_lock(found)
    return found


def _check_one_digest(guest: Guest, digest: str | None) -> None:
    try:
        check_digest(guest, digest)
    except HarnessError as error:
        raise failure(f"Container {guest.vmid}: {error}") from error


def _disk(node: Node, guest: Guest, key: str) -> guest_disks.Disk:
    if _UNUSED.fullmatch(key):
        return guest_disks.Disk(key, {"volume": guest.config[key]})
    return guest_disks.parse(node, key, guest.config[key])


def _hand_over(node: Node, runtime: CopyingRuntime, asked: Reassignment, task: Task) -> None:
    source = node.guests.load(asked.vmid)
    disk = _disk(node, source, asked.key)
    storage = node.storages.need(storages.split_volid(disk.volume)[0])
    record = node.storages.volumes.get(disk.volume) or {}
    volid = node.storages.allocate(storage, asked.target, int(record.get("size", disk.size or 0)))
    runtime.copy_volume(asked.vmid, disk.volume, volid, task.log)
    node.guests.save(source.with_config(**{asked.key: None}))
    task.log(f"removing volume '{asked.key}' from container '{asked.vmid}' config")
    guest_disks.remove_volume(node, disk.volume)
    moved = guest_disks.Disk(asked.target_key, {**disk.values, "volume": volid})
    text = volid if _UNUSED.fullmatch(asked.target_key) else guest_disks.render(node, moved)
    node.guests.save(node.guests.load(asked.target).with_config(**{asked.target_key: text}))
    task.log(f"target container '{asked.target}' updated with '{asked.target_key}'")
