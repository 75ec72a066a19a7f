"""Cloning: full copies, and linked ones where the storage can."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.embedded.node import firewall, leftovers, storages
from harness.embedded.node.errors import failure
from harness.embedded.node.guest_config import Guest, description_text
from harness.embedded.node.guests import check_lock
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_disks, guest_permissions, guest_settings, guest_snapshots, guest_spec
from harness.embedded.node.operations.guest_create import warn_nesting
from harness.embedded.node.runtime import CopyingRuntime
from harness.embedded.node.tasks import Task

_NOT_COPIED = ("parent", "snaptime", "snapstate", "template", "lock")
_NET = re.compile(r"net\d+")


@dataclass(frozen=True, slots=True)
class Request:
    """A clone as asked for."""

    user: str
    vmid: int
    newid: int
    hostname: str | None
    description: str | None
    storage: str | None
    snapshot: str | None
    pool: str | None
    full: bool | None


def clone(node: Node, runtime: CopyingRuntime, asked: Request) -> str:
    """Check, then start the task ``vzclone``."""
    if asked.pool is not None:
        node.pools.need(asked.pool)
    if asked.storage is not None:
        node.storages.usable(asked.storage, node.name)
    with node.guests.locked(asked.vmid):
        source = node.guests.load(asked.vmid)
        check_lock(source)
        node.guests.check_unused(asked.newid)
        full = asked.full if asked.full is not None else not source.is_template
        if asked.storage is not None and not full:
            raise failure("parameter 'storage' not allowed for linked clones")
        config = guest_snapshots.need(source, asked.snapshot) if asked.snapshot else source.config
        _check_parts(node, asked, source, config, full=full)
        kept = _settings(node, asked, config)
        node.guests.reserve(Guest(asked.newid, kept), "create")
        firewall.copy(node, asked.vmid, asked.newid)
        node.guests.begin(source, "disk")
    work = Cloning(node, runtime, asked, config, full=full)
    return node.tasks.start("vzclone", asked.vmid, asked.user, work.run)


def _check_parts(node: Node, asked: Request, source: Guest, config: Mapping[str, str], *, full: bool) -> None:
    """Disks and interfaces in the order of their keys, as PVE goes through them."""
    rules = guest_permissions.ConfigRules(node, asked.user, asked.newid, asked.pool)
    for key in sorted(config):
        if guest_disks.DISK.fullmatch(key):
            _check_disk(node, asked, source, guest_disks.parse(node, key, config[key]), full=full)
        elif _NET.fullmatch(key):
            rules.check_bridge(config[key])


def _check_disk(node: Node, asked: Request, source: Guest, disk: guest_disks.Disk, *, full: bool) -> None:
    if disk.kind != "volume":
        raise failure(f"unable to clone mountpoint '{disk.key}' (type {disk.kind})")
    name = storages.split_volid(disk.volume)[0]
    node.permissions.require(asked.user, f"/storage/{asked.storage or name}", ["Datastore.AllocateSpace"])
    if full and node.is_running(source.vmid) and not asked.snapshot:
        raise failure("Cannot do full clones on a running container without snapshots")
    if not full and _state(asked, disk) not in node.storages.need(name).kind.linked:
        raise failure(f"Linked clone feature for '{disk.volume}' is not available")


def _state(asked: Request, disk: guest_disks.Disk) -> str:
    """Which state of a volume is cloned, as the storages' plugins call it."""
    if asked.snapshot:
        return "snap"
    return "base" if re.search(r"[:/]base(?:vol)?-", disk.volume) else "current"


def _settings(node: Node, asked: Request, config: Mapping[str, str]) -> dict[str, str]:
    """The clone's settings: those of the source, with hardware addresses of its own."""
    kept = {key: value for key, value in config.items() if key not in _NOT_COPIED and not key.startswith("unused")}
    for key in [key for key in kept if _NET.fullmatch(key)]:
        bare = re.sub(r",hwaddr=[^,]*", "", kept[key])
        kept[key] = guest_settings.network(node, bare)
    if asked.hostname:
        kept["hostname"] = asked.hostname
    if asked.description:
        kept["description"] = description_text(asked.description)
    return {key: value for key, value in kept.items() if not guest_disks.DISK.fullmatch(key)}


class Cloning:
    """The work of the task."""

    def __init__(
        self, node: Node, runtime: CopyingRuntime, asked: Request, config: Mapping[str, str], *, full: bool
    ) -> None:
        self._node = node
        self._runtime = runtime
        self._asked = asked
        self._config = config
        self._full = full
        self._made: list[str] = []

    def run(self, task: Task) -> None:
        """Copy; whatever fails, nothing of the clone is left."""
        try:
            self._copy(task)
        except Exception as error:
            self._undo(task)
            raise failure(f"clone failed: {str(error).strip()}") from error
        finally:
            self._node.guests.end(self._node.guests.load(self._asked.vmid))

    def _copy(self, task: Task) -> None:
        leftovers.settle(self._node, self._asked.newid)
        new = self._asked.newid
        task.log(f"creating a clone of container {self._asked.vmid} with ID {new}")
        disks = {}
        for disk in guest_disks.of_config(self._node, self._config):
            written = self._copy_disk(disk, task)
            disks[disk.key] = guest_disks.render(self._node, written)
        config = {**self._node.guests.load(new).config, **disks}
        origin = self._node.store.table(guest_spec.IMAGE_TABLE).get(str(self._asked.vmid)) or {}
        self._node.store.table(guest_spec.IMAGE_TABLE).put(str(new), origin)
        spec = guest_spec.build(self._node, new, config)
        self._runtime.clone(self._asked.vmid, self._asked.snapshot, spec, task.log)
        if self._full:
            warn_nesting(self._node, origin, config, task)
        self._node.guests.end(Guest(new, config))
        if self._asked.pool:
            self._node.pools.add_guest(self._asked.pool, new)

    def _copy_disk(self, disk: guest_disks.Disk, task: Task) -> guest_disks.Disk:
        if self._full:
            task.log(f"create full clone of mountpoint {disk.key} ({disk.volume})")
        else:
            task.log(f"create linked clone of mount point {disk.key} ({disk.volume})")
        storage = self._node.storages.need(self._asked.storage or storages.split_volid(disk.volume)[0])
        if "rootdir" not in storage.content:
            raise failure(f"content type 'rootdir' is not available or configured on storage '{storage.name}'")
        record = self._node.storages.volumes.get(disk.volume) or {}
        volid = self._node.storages.allocate(storage, self._asked.newid, int(record.get("size", disk.size or 0)))
        self._made.append(volid)
        if not self._full:
            self._node.storages.volumes.change(volid, base=disk.volume)
        return guest_disks.Disk(disk.key, {**disk.values, "volume": volid})

    def _undo(self, task: Task) -> None:
        leftovers.remove(self._node, self._asked.newid, task.append)
        for volid in self._made:
            self._node.storages.volumes.delete(volid)
        self._node.guests.remove(self._asked.newid)
