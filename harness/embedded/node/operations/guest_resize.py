"""Growing disks."""

from __future__ import annotations

from harness.embedded.node import storages
from harness.embedded.node.errors import failure
from harness.embedded.node.grammar import sizes
from harness.embedded.node.guests import check_digest, check_lock
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_disks, guest_permissions, guest_spec
from harness.embedded.node.tasks import Task


def resize(node: Node, user: str, vmid: int, *, key: str, wanted: str, digest: str | None) -> str:
    """Start the task ``resize``; raises PVE's 500 for what cannot be resized, or would shrink."""
    with node.guests.locked(vmid):
        guest = node.guests.load(vmid)
        check_lock(guest)
        # The key "disk" is no disk to PVE's rules, so that the privilege for options is asked for.
        guest_permissions.ConfigRules(node, user, vmid).check({"disk": key}, old=guest.config)
        check_digest(guest, digest)
        disk = guest_disks.parse(node, key, guest.config.get(key, ""))
        name = storages.split_volid(disk.volume)[0]
        node.permissions.require(user, f"/storage/{name}", ["Datastore.AllocateSpace"])
        now = int((node.storages.volumes.get(disk.volume) or {}).get("size", disk.size or 0))
        target = _target(now, wanted)
        if target < now:
            raise failure("unable to shrink disk size")
        if target == now:
            raise failure("disk is already at specified size")

    def work(task: Task) -> None:
        with node.guests.locked(vmid, task.log):
            _grow(node, vmid, key, target, task)

    return node.tasks.start("resize", vmid, user, work)


def _target(now: int, wanted: str) -> int:
    size = sizes.parse_size(wanted.removeprefix("+")) or 0
    return now + size if wanted.startswith("+") else size


def _grow(node: Node, vmid: int, key: str, target: int, task: Task) -> None:
    guest = node.guests.load(vmid)
    disk = guest_disks.parse(node, key, guest.config[key])
    if guest.is_template and node.storages.file_path(disk.volume).endswith(".raw"):
        path = node.storages.file_path(disk.volume)
        raise failure(
            f"command '/usr/bin/qemu-img resize '--preallocation=off' -f raw {path} {target}' failed: exit code 1"
        )
    node.runtime.resize(vmid, key, target)
    task.log("Image resized.")
    node.storages.volumes.change(disk.volume, size=target)
    grown = guest_disks.Disk(key, {**disk.values, "size": sizes.format_size(target)})
    guest = node.guests.save(guest.with_config(**{key: guest_disks.render(node, grown)}))
    if not node.is_running(vmid):
        node.runtime.update(guest_spec.build(node, vmid, guest.config), frozenset([key]))
