"""Converting a container to a template: its volumes become base volumes, and it is never started again."""

from __future__ import annotations

from harness.embedded.node.errors import failure
from harness.embedded.node.guests import check_lock
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_disks
from harness.embedded.node.tasks import Task


def convert(node: Node, user: str, vmid: int) -> None:
    """Start the task ``vztemplate``; PVE tells nobody its identifier."""
    with node.guests.locked(vmid):
        _check(node, vmid)

    def work(task: Task) -> None:
        with node.guests.locked(vmid, task.log):
            _check(node, vmid)
            _convert(node, vmid)

    node.tasks.start("vztemplate", vmid, user, work)


def _check(node: Node, vmid: int) -> None:
    guest = node.guests.load(vmid)
    check_lock(guest)
    if guest.snapshots:
        raise failure("unable to create template, because CT contains snapshots")
    if guest.is_template:
        raise failure("you can't convert a template to a template")
    if node.is_running(vmid):
        raise failure("you can't convert a CT to template if the CT is running")


def _convert(node: Node, vmid: int) -> None:
    guest = node.guests.load(vmid)
    changes: dict[str, str | None] = {"template": "1"}
    for disk in guest_disks.of_config(node, guest.config):
        if disk.kind == "volume":
            values = {**disk.values, "volume": _rename(node, vmid, disk.volume)}
            changes[disk.key] = guest_disks.render(node, guest_disks.Disk(disk.key, values))
    node.guests.save(guest.with_config(**changes))


def _rename(node: Node, vmid: int, volume: str) -> str:
    base = volume.replace(f"vm-{vmid}-disk-", f"base-{vmid}-disk-").replace(f"subvol-{vmid}-", f"basevol-{vmid}-")
    record = node.storages.volumes.get(volume)
    if record is not None:
        node.storages.volumes.put(base, record)
        node.storages.volumes.delete(volume)
    return base
