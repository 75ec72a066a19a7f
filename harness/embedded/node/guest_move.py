"""Moving a volume of a stopped container to another storage."""

from __future__ import annotations

from harness.embedded.node import guest_disks, storages
from harness.embedded.node.errors import failure
from harness.embedded.node.guests import check_digest, check_lock
from harness.embedded.node.node import Node
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
        disk = guest_disks.parse(node, key, guest.config.get(key, ""))
        if node.is_running(vmid):
            raise failure("cannot move volumes of a running container")
        if disk.kind != "volume":
            raise failure(f"you can't move a bind mount or device {key}")
        check_digest(guest, digest)

    def work(task: Task) -> None:
        with node.guests.locked(vmid, task.log):
            _move(node, runtime, vmid, disk, target, delete=delete, task=task)

    return node.tasks.start("move_volume", vmid, user, work)


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
