"""Making a container again from a backup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.embedded.node import leftovers
from harness.embedded.node.errors import ApiError, failure
from harness.embedded.node.guest_config import Guest
from harness.embedded.node.guests import check_lock
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_disks, guest_power, guest_settings, guest_spec
from harness.embedded.node.operations.backups import known
from harness.embedded.node.operations.guest_create import Request, manage
from harness.embedded.node.runtime import ArchivingRuntime, MendingRuntime
from harness.embedded.node.tasks import Task
from harness.embedded.node.uploads import file_of
from harness.kit.errors import HarnessError

_UNKNOWN_IMAGE = "elsewhere"
"""Stands for the template of a container that another host has made."""


def restore(node: Node, runtime: ArchivingRuntime, asked: Request, *, unique: bool) -> str:
    """Start the task ``vzrestore``; a container that is there already is locked until it has ended."""
    old = node.guests.find(asked.vmid)
    if old is None:
        node.guests.reserve(Guest(asked.vmid, {}), "create")
    else:
        old = _lock(node, asked.vmid)
    work = Restoring(node, runtime, asked, old, unique=unique)
    return node.tasks.start("vzrestore", asked.vmid, asked.user, work.run)


def _lock(node: Node, vmid: int) -> Guest:
    with node.guests.locked(vmid):
        old = node.guests.load(vmid)
        try:
            check_lock(old)
        except HarnessError as locked:
            raise failure(f"unable to restore CT {vmid} - {str(locked).strip()}") from locked
        node.guests.begin(old, "create")
        return old


class Restoring:
    """The work of the task."""

    def __init__(
        self, node: Node, runtime: ArchivingRuntime, asked: Request, old: Guest | None, *, unique: bool
    ) -> None:
        self._node = node
        self._runtime = runtime
        self._asked = asked
        self._old = old
        self._unique = unique
        self._made: list[str] = []

    def run(self, task: Task) -> None:
        """Make the container again; on failure the new one goes, an old one is as it was."""
        try:
            self._restore(task)
        except Exception as error:
            self._undo(task)
            raise self._explained(error) from error
        if self._asked.start:
            guest_power.start_now(self._node, self._asked.vmid, task.log)
        manage(self._node, self._asked, task)

    def _restore(self, task: Task) -> None:
        vmid, volid = self._asked.vmid, self._asked.template
        leftovers.settle(self._node, vmid)
        task.log(f"recovering backed-up configuration from '{volid}'")
        backup = known(self._node, volid)
        if backup is None:
            raise failure(f"volume '{volid}' does not exist")
        if "rootfs" not in backup.get("config", {}):
            raise failure("rootfs configuration could not be recovered, please check and specify manually!")
        disks = self._disks(backup["config"], task)
        config = self._merged(backup["config"], disks)
        task.log(f"restoring '{volid}' now..")
        task.log(f"extracting archive '{self._node.storages.file_path(volid)}'")
        origin = backup.get("origin", {})
        spec = guest_spec.build(self._node, vmid, config, image=str(origin.get("image", _UNKNOWN_IMAGE)))
        spec, file = replace(spec, ssh_public_keys=self._asked.keys), file_of(self._node, volid)
        self._runtime.restore(spec, file, task.log, over=self._old is not None)
        task.log("merging backed-up and given configuration..")
        self._node.store.table(guest_spec.IMAGE_TABLE).put(str(vmid), {"image": spec.image, **origin})
        # Under its lock still: whoever kills the node now finds what the old container had, and removes it.
        self._node.guests.save(Guest(vmid, {**config, "lock": "create"}))
        if self._old is not None:
            self._forget_old()
        self._node.guests.end(Guest(vmid, config))
        if self._asked.pool:
            self._node.pools.add_guest(self._asked.pool, vmid)

    def _forget_old(self) -> None:
        """Remove what the container that was there had and the new one has not."""
        vmid = self._asked.vmid
        if isinstance(self._node.runtime, MendingRuntime):
            self._node.runtime.mend(vmid, frozenset())
        guest_disks.release(self._node, vmid, keep=self._made)

    def _disks(self, config: Mapping[str, str], task: Task) -> dict[str, str]:
        given = {key: value for key, value in self._asked.settings.items() if guest_disks.DISK.fullmatch(key) and value}
        if given:
            wanted = guest_disks.of_config(self._node, self._asked.disks)
        else:
            wanted = [self._anew(disk) for disk in guest_disks.of_config(self._node, config)]
        texts = {}
        for disk in wanted:
            written = guest_disks.make(self._node, self._asked.vmid, disk, task.log)
            if written.volume != disk.volume:
                self._made.append(written.volume)
            texts[disk.key] = guest_disks.render(self._node, written)
        return texts

    def _anew(self, disk: guest_disks.Disk) -> guest_disks.Disk:
        """The disk to be made for one of the backup: of its size, on the storage that was asked for."""
        if disk.kind != "volume":
            return disk
        values = {key: value for key, value in disk.values.items() if key != "size"}
        gigabytes = (disk.size or 0) / (1 << 30)
        return guest_disks.Disk(disk.key, {**values, "volume": f"{self._asked.storage}:{gigabytes:g}"})

    def _merged(self, config: Mapping[str, str], disks: Mapping[str, str]) -> dict[str, str]:
        kept = {key: value for key, value in config.items() if not guest_disks.DISK.fullmatch(key)}
        kept = {key: value for key, value in kept.items() if not key.startswith("unused")}
        given = guest_settings.prepare(
            self._node, {k: v for k, v in self._asked.options.items() if k != "unprivileged"}
        )
        merged = {**kept, **{key: value for key, value in given.items() if value is not None}, **disks}
        for key in [key for key in merged if key.startswith("net") and self._unique]:
            values = [part for part in merged[key].split(",") if not part.startswith("hwaddr=")]
            merged[key] = guest_settings.network(self._node, ",".join(values))
        return merged

    def _undo(self, task: Task) -> None:
        if self._old is None:
            leftovers.remove(self._node, self._asked.vmid, task.append)
            for volid in self._made:
                self._node.storages.volumes.delete(volid)
        else:
            self._release(task)
        if self._old is None:
            self._node.guests.remove(self._asked.vmid)
        else:
            self._node.guests.end(self._old)

    def _release(self, task: Task) -> None:
        """Remove the new volumes of a container that stays; one that cannot be now is an unreferenced disk."""
        for volid in self._made:
            try:
                guest_disks.remove_volume(self._node, volid)
            except HarnessError as error:
                task.append(f"cleaning up failed: {error}")

    def _explained(self, error: Exception) -> ApiError:
        return failure(f"unable to restore CT {self._asked.vmid} - {str(error).strip()}")
