"""Moving a volume of a stopped container to another storage."""

from __future__ import annotations

from harness.embedded.node import storages
from harness.embedded.node.errors import failure
from harness.embedded.node.guest_config import Guest
from harness.embedded.node.guests import check_digest, check_lock
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_disks
from harness.embedded.node.runtime import CopyingRuntime
from harness.embedded.node.tasks import Task


def move(
    node: Node,
    runtime: CopyingRuntime,
    user: str,
    vmid: int,
    *,
    key: str,
    target: str,
    delete: bool,
    digest: str | None,
) -> str:
    """Start the task ``move_volume``."""
    with node.guests.locked(vmid):
        guest = node.guests.load(vmid)
        check_lock(guest)
        disk = _movable(node, guest, key, delete=delete)
        check_digest(guest, digest)
        node.guests.begin(guest, "disk")

    def work(task: Task) -> None:
        try:
            storages.split_volid(disk.volume)
            _move(node, runtime, vmid, disk, target, delete=delete, task=task)
        finally:
            node.guests.end(node.guests.load(vmid))

    return node.tasks.start("move_volume", vmid, user, work)


def _movable(node: Node, guest: Guest, key: str, *, delete: bool) -> guest_disks.Disk:
    """The disk, when it may be moved to another storage."""
    if node.is_running(guest.vmid):
        raise failure("cannot move volumes of a running container")
    if key.startswith("unused"):
        raise failure(f"cannot move volume '{key}', only configured volumes can be moved to another storage")
    disk = guest_disks.parse(node, key, guest.config.get(key, ""))
    if delete and in_snapshots(node, guest, disk.volume):
        raise failure("you can't move a volume with snapshots and delete the source")
    return disk


def in_snapshots(node: Node, guest: Guest, volume: str) -> bool:
    """Whether a snapshot has the volume."""
    disks = [disk for config in guest.snapshots.values() for disk in guest_disks.of_config(node, config)]
    return any(disk.volume == volume for disk in disks)


def _move(
    node: Node, runtime: CopyingRuntime, vmid: int, disk: guest_disks.Disk, target: str, *, delete: bool, task: Task
) -> None:
    storage = node.storages.need(target)
    size = int((node.storages.volumes.get(disk.volume) or {}).get("size", disk.size or 0))
    volid = node.storages.allocate(storage, vmid, size)
    try:
        runtime.copy_volume(vmid, disk.volume, volid, task.log)
    except Exception:
        node.storages.volumes.delete(volid)
        raise
    moved = guest_disks.Disk(disk.key, {**disk.values, "volume": volid})
    guest = node.guests.load(vmid).with_config(**{disk.key: guest_disks.render(node, moved)})
    if not delete:
        guest = guest.with_config(**{guest_disks.spare_key(guest.config): disk.volume})
    node.guests.save(guest)
    if delete:
        guest_disks.remove_volume(node, disk.volume)
    task.log(f"moved {storages.split_volid(disk.volume)[1]} to storage {target}")
