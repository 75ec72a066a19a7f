"""Backups: containers written to archives. The configuration is kept beside the archive."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.embedded.node import archives, storages, uploads
from harness.embedded.node.errors import failure
from harness.embedded.node.grammar.formats import split_list
from harness.embedded.node.guest_config import Guest, parse
from harness.embedded.node.guests import check_lock
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_power, guest_spec
from harness.embedded.node.runtime import ArchivingRuntime
from harness.embedded.node.tasks import Task
from harness.kit.errors import HarnessError

SUFFIX = {"zstd": "tar.zst", "gzip": "tar.gz", "1": "tar.gz", "lzo": "tar.lzo", "0": "tar"}
DUMP_STORAGE = "local"


@dataclass(frozen=True, slots=True)
class Job:
    """One run of vzdump."""

    user: str
    vmids: tuple[int, ...]
    storage: str
    mode: str
    compress: str
    notes: str
    protected: bool
    command: str


def job(user: str, node: Node, params: Mapping[str, str | None]) -> Job:
    """A run from a call's parameters."""
    wanted = split_list(params.get("vmid") or "")
    vmids = [int(text) for text in wanted] if wanted else _chosen(node, params)
    shown = " ".join(f"--{key} {value}" for key, value in sorted(params.items()) if key != "vmid")
    return Job(
        user=user,
        vmids=tuple(sorted(vmids)),
        storage=params.get("storage") or DUMP_STORAGE,
        mode=params.get("mode") or "snapshot",
        compress=params.get("compress") or "0",
        notes=params.get("notes-template") or "",
        protected=params.get("protected") == "1",
        command=f"vzdump {' '.join(wanted)} {shown}".strip(),
    )


def _chosen(node: Node, params: Mapping[str, str | None]) -> list[int]:
    """The members of a pool, or all containers but those that are excluded."""
    if params.get("pool"):
        return list(node.pools.need(str(params["pool"]))["guests"])
    excluded = set(split_list(params.get("exclude") or ""))
    return [guest.vmid for guest in node.guests.all() if str(guest.vmid) not in excluded]


def dump(node: Node, runtime: ArchivingRuntime, asked: Job) -> str:
    """Start the task ``vzdump``."""

    def work(task: Task) -> None:
        storage = _storage(node, asked.storage)
        task.log(f"INFO: starting new backup job: {asked.command}")
        dumping = Dumping(node, runtime, asked, storage, task)
        failed = [vmid for vmid in asked.vmids if not dumping.one(vmid)]
        if failed:
            task.log("INFO: Backup job finished with errors")
            raise failure("job errors")
        task.log("INFO: Backup job finished successfully")

    return node.tasks.start("vzdump", asked.vmids[0] if len(asked.vmids) == 1 else "", asked.user, work)


def _storage(node: Node, name: str) -> storages.Storage:
    found = node.storages.find(name)
    if found is None:
        missing = f"storage '{name}' does not exist"
        text = f"could not activate storage '{name}': {missing}\ncould not get storage information for '{name}'"
        raise failure(f"{text}: {missing}")
    if "backup" not in found.content:
        reason = f"can't use storage '{name}' for backups - wrong content type"
        raise failure(f"could not get storage information for '{name}': {reason}")
    return found


class Dumping:
    """The work of the task, container by container."""

    def __init__(
        self, node: Node, runtime: ArchivingRuntime, asked: Job, storage: storages.Storage, task: Task
    ) -> None:
        self._node = node
        self._runtime = runtime
        self._asked = asked
        self._storage = storage
        self._task = task

    def one(self, vmid: int) -> bool:
        """Back one container up; a failure is in the log, and the others are still done."""
        self._task.log(f"INFO: Starting Backup of VM {vmid} (lxc)")
        self._task.log(f"INFO: Backup started at {_now()}")
        try:
            guest = self._begin(vmid)
            try:
                self._write(guest)
            finally:
                self._node.guests.end(self._node.guests.load(vmid))
        except HarnessError as error:
            self._task.log(f"ERROR: Backup of VM {vmid} failed - {str(error).strip()}")
            self._task.log(f"INFO: Failed at {_now()}")
            return False
        self._task.log(f"INFO: Finished Backup of VM {vmid} (00:00:00)")
        return True

    def _begin(self, vmid: int) -> Guest:
        with self._node.guests.locked(vmid, self._task.log):
            guest = self._node.guests.load(vmid)
            self._task.log(f"INFO: status = {'running' if self._node.is_running(vmid) else 'stopped'}")
            check_lock(guest)
            return self._node.guests.begin(guest, "backup")

    def _write(self, guest: Guest) -> None:
        running = self._node.is_running(guest.vmid)
        mode = self._asked.mode if running else "stop"
        self._task.log(f"INFO: backup mode: {mode}")
        self._task.log(f"INFO: CT Name: {guest.hostname}")
        restart = running and mode == "stop"
        if restart:
            self._task.log("INFO: stopping virtual guest")
            guest_power.shutdown_now(self._node, guest.vmid, timeout=guest_power.SHUTDOWN_SECONDS, force=True)
        self._archive(guest)
        if restart:
            self._task.log("INFO: restarting vm")
            guest_power.start_now(self._node, guest.vmid, self._task.log)

    def _archive(self, guest: Guest) -> None:
        suffix = SUFFIX[self._asked.compress]
        stamp = time.strftime("%Y_%m_%d-%H_%M_%S")
        volid = f"{self._storage.name}:backup/vzdump-lxc-{guest.vmid}-{stamp}.{suffix}"
        self._task.log(f"INFO: creating vzdump archive '{self._node.storages.file_path(volid)}'")
        kept = {key: value for key, value in guest.config.items() if key not in ("lock", "parent")}
        text = Guest(guest.vmid, kept).text
        size = self._runtime.archive(guest.vmid, text, uploads.file_of(self._node, volid), self._task.log)
        self._task.log(f"INFO: archive file size: {size >> 20}MB")
        origin = self._node.store.table(guest_spec.IMAGE_TABLE).get(str(guest.vmid)) or {}
        record = {"vmid": guest.vmid, "format": suffix, "subtype": "lxc", "config": kept, "origin": origin}
        if self._asked.notes:
            record["notes"] = notes(self._asked.notes, self._node, guest)
        if self._asked.protected:
            record["protected"] = 1
        self._node.storages.add(volid, "backup", size, **record)


def known(node: Node, volid: str) -> Mapping[str, Any] | None:
    """What is known of a backup; the configuration of one that was made elsewhere is read from it. None: not there."""
    uploads.discover(node, node.storages.need(storages.split_volid(volid)[0]))
    record = node.storages.volumes.get(volid)
    file = uploads.file_of(node, volid)
    if record is None or "config" in record or file is None:
        return record
    text = archives.pct_config(file)
    if text is not None:
        node.storages.volumes.change(volid, config=dict(parse(text)))
    return node.storages.volumes.get(volid)


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")


def notes(template: str, node: Node, guest: Guest) -> str:
    """The notes of a backup, variables filled in."""
    known = {"guestname": guest.hostname, "node": node.name, "vmid": str(guest.vmid), "cluster": ""}
    for name, value in known.items():
        template = template.replace("{{" + name + "}}", value)
    return template.replace("\\n", "\n").replace("\\\\", "\\")
