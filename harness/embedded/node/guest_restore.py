"""Making a container again from a backup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.embedded.node import guest_disks, guest_power, guest_settings, guest_spec
from harness.embedded.node.errors import ApiError, failure
from harness.embedded.node.guest_config import Guest
from harness.embedded.node.guest_create import Request, manage
from harness.embedded.node.node import Node
from harness.embedded.node.runtime import ArchivingRuntime
from harness.embedded.node.tasks import Task
from harness.embedded.node.uploads import file_of


def restore(node: Node, runtime: ArchivingRuntime, asked: Request, *, unique: bool) -> str:
    """Start the task ``vzrestore``."""
    old = node.guests.find(asked.vmid)
    if old is None:
        node.guests.reserve(Guest(asked.vmid, {}), "create")
    work = Restoring(node, runtime, asked, old, unique=unique)
    return node.tasks.start("vzrestore", asked.vmid, asked.user, work.run)


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
        """Make the container again; on failure the new one goes, an old one stays as far as it can."""
        try:
            self._restore(task)
        except Exception as error:
            self._undo()
            raise self._explained(error) from error
        if self._asked.start:
            guest_power.start_now(self._node, self._asked.vmid, task.log)
        manage(self._node, self._asked, task)

    def _restore(self, task: Task) -> None:
        vmid, volid = self._asked.vmid, self._asked.template
        task.log(f"recovering backed-up configuration from '{volid}'")
        backup = self._node.storages.volumes.get(volid)
        if backup is None:
            raise failure(f"volume '{volid}' does not exist")
        disks = self._disks(backup["config"], task)
        config = self._merged(backup["config"], disks)
        if self._old is not None:
            self._node.runtime.delete(vmid)
            guest_disks.release(self._node, vmid, keep=self._made)
        origin = backup.get("origin", {})
        self._node.store.table(guest_spec.IMAGE_TABLE).put(str(vmid), origin)
        task.log(f"restoring '{volid}' now..")
        task.log(f"extracting archive '{self._node.storages.file_path(volid)}'")
        spec = guest_spec.build(self._node, vmid, config)
        self._runtime.restore(replace(spec, ssh_public_keys=self._asked.keys), file_of(self._node, volid), task.log)
        task.log("merging backed-up and given configuration..")
        self._node.guests.end(Guest(vmid, config))
        if self._asked.pool:
            self._node.pools.add_guest(self._asked.pool, vmid)

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

    def _undo(self) -> None:
        for volid in self._made:
            self._node.storages.volumes.delete(volid)
        if self._old is None:
            self._node.runtime.delete(self._asked.vmid)
            self._node.guests.remove(self._asked.vmid)

    def _explained(self, error: Exception) -> ApiError:
        return failure(f"unable to restore CT {self._asked.vmid} - {str(error).strip()}")
