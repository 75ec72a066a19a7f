"""Destroying a container: what forbids it, and what goes with it."""

from __future__ import annotations

from harness.embedded.node import backup_jobs, storages
from harness.embedded.node.errors import failure
from harness.embedded.node.guests import check_lock, check_protection
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_disks, guest_spec, ha
from harness.embedded.node.tasks import Task


def destroy(node: Node, user: str, vmid: int, *, force: bool, purge: bool) -> str:
    """Start the task ``vzdestroy``."""
    _check(node, vmid, force=force, purge=purge)

    def work(task: Task) -> None:
        with node.guests.locked(vmid, task.log):
            _check(node, vmid, force=force, purge=purge)
            _check_clones(node, vmid)
            if node.is_running(vmid):
                task.log(f"forced to stop CT {vmid} before destroying!")
                node.runtime.stop(vmid)
            _remove(node, vmid)
            if purge:
                task.log(f"purging CT {vmid} from related configurations..")
                backup_jobs.forget_guest(node, vmid)
                node.store.table("ha").delete(f"ct:{vmid}")

    return node.tasks.start("vzdestroy", vmid, user, work)


def _check(node: Node, vmid: int, *, force: bool, purge: bool) -> None:
    guest = node.guests.load(vmid)
    check_protection(guest, f"can't remove CT {vmid}")
    check_lock(guest)
    ha.guard_destroy(node, vmid, purge=purge)
    if not force and node.is_running(vmid):
        raise failure(f"unable to destroy CT {vmid} - container is running")


def _check_clones(node: Node, vmid: int) -> None:
    """Raise for a template that others stand on, where the storage needs it: thin volumes of LVM and btrfs do not."""
    used = {record.get("base") for _, record in node.storages.volumes.items()}
    for disk in guest_disks.of_config(node, node.guests.load(vmid).config):
        if disk.kind == "volume" and disk.volume in used:
            name, volume = storages.split_volid(disk.volume)
            storage = node.storages.find(name)
            if storage and storage.type == "zfspool":
                raise failure(f"base volume '{volume}' is still in use by linked clones")


def _remove(node: Node, vmid: int) -> None:
    """Runtime first, configuration last: whoever kills the node in between finds a container to delete again."""
    node.runtime.delete(vmid)
    guest_disks.release(node, vmid)
    node.store.table(guest_spec.IMAGE_TABLE).delete(str(vmid))
    node.pools.drop_guest(vmid)
    node.store.table("firewall").delete(str(vmid))
    for key, entry in node.store.table("acl").items():
        if entry["path"] == f"/vms/{vmid}":
            node.store.table("acl").delete(key)
    node.guests.remove(vmid)
