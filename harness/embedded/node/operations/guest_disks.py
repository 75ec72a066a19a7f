"""Root file systems and mount points: what their property strings mean, and their volumes made and removed."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

from harness.embedded.node import storages
from harness.embedded.node.errors import failure
from harness.embedded.node.grammar import property_string, sizes, verify
from harness.embedded.node.guest_config import Guest
from harness.embedded.node.node import Node

DISK = re.compile(r"rootfs|mp\d+")
Log = Callable[[str], None]
_PUT = ("PUT", "/nodes/{node}/lxc/{vmid}/config")


@dataclass(frozen=True, slots=True)
class Disk:
    """One ``rootfs`` or ``mpN``."""

    key: str
    values: Mapping[str, str]

    @property
    def volume(self) -> str:
        """Volume id, directory or device."""
        return self.values.get("volume", "")

    @property
    def kind(self) -> Literal["volume", "bind", "device"]:
        """What the volume is, by its look."""
        if self.volume.startswith("/dev/"):
            return "device"
        return "bind" if self.volume.startswith("/") else "volume"

    @property
    def size(self) -> int | None:
        """Bytes, as far as the text says it."""
        return sizes.parse_size(self.values.get("size", ""))


def form_of(node: Node, key: str) -> property_string.Format:
    """The property-string format of a configuration key."""
    return node.schema.format_of(*_PUT, key)


def parse(node: Node, key: str, text: str) -> Disk:
    """The meaning of a property string; raises PVE's 500 ``format error`` when it does not fit."""
    try:
        return Disk(key, verify.parse_property(form_of(node, key), text))
    except property_string.PropertyError as wrong:
        raise failure(str(wrong), wrong.errors or None) from wrong


def render(node: Node, disk: Disk) -> str:
    """The property string as PVE writes it."""
    return property_string.render(form_of(node, disk.key), disk.values)


def of_config(node: Node, config: Mapping[str, str]) -> list[Disk]:
    """All disks of a configuration, the root file system first."""
    keys = sorted((key for key in config if DISK.fullmatch(key)), key=lambda key: (key != "rootfs", _number(key)))
    return [parse(node, key, config[key]) for key in keys]


def _number(key: str) -> int:
    digits = re.sub(r"\D", "", key)
    return int(digits) if digits else -1


def make(node: Node, vmid: int, disk: Disk, log: Log) -> Disk:
    """Allocate the volume of ``storage:8``, or check that an existing one exists; returns the disk as written."""
    if disk.kind != "volume":
        return disk
    wanted = storages.new_disk(disk.volume)
    name, volume = storages.split_volid(disk.volume)
    storage = node.storages.need(name)
    if wanted is None:
        return _existing(node, disk, storage, volume)
    size = sizes.from_gigabytes(wanted[1])
    volid = node.storages.allocate(storage, vmid, size)
    _log_making(node, volid, storage, size, log)
    text = sizes.format_size(size) if size else "0T"
    return Disk(disk.key, {**disk.values, "volume": volid, "size": text})


def _existing(node: Node, disk: Disk, storage: storages.Storage, volume: str) -> Disk:
    node.storages.check_volume_name(storage, volume)
    record = node.storages.volumes.get(disk.volume)
    if record is None:
        raise failure(f"volume '{disk.volume}' does not exist")
    return Disk(disk.key, {**disk.values, "size": sizes.format_size(int(record["size"]))})


def _log_making(node: Node, volid: str, storage: storages.Storage, size: int, log: Log) -> None:
    path = node.storages.file_path(volid)
    if storage.type == "dir" and size:
        log(f"Formatting '{path}', fmt=raw size={size} preallocation=off")
    elif not storage.kind.folders:
        log(f'  Logical volume "{volid.partition(":")[2]}" created.')
    if size:
        log(f"Creating filesystem with {size >> 12} 4k blocks and {size >> 14} inodes")
        log(f"Filesystem UUID: {uuid4()}")


def release(node: Node, vmid: int, *, keep: Collection[str] = ()) -> None:
    """Remove every disk that is named after the container, whether its configuration names it or not."""
    for volid in node.storages.volumes:
        if belongs(volid, vmid) and volid not in keep:
            remove_volume(node, volid)


def named(node: Node, guest: Guest) -> set[str]:
    """The volumes that a container's settings name anywhere: now, pending, unused, in a snapshot."""
    configs = [guest.config, guest.pending, *guest.snapshots.values()]
    found = {disk.volume for config in configs for disk in of_config(node, config)}
    return found | {value for config in configs for key, value in config.items() if key.startswith("unused")}


def remove_volume(node: Node, volid: str) -> None:
    """Remove a volume for good, its data first."""
    owner = storages.owner_of(volid)
    if owner is not None and belongs(volid, owner):
        node.runtime.delete_volume(owner, volid)
    node.storages.volumes.delete(volid)


def belongs(volid: str, vmid: int) -> bool:
    """Whether the volume's name says that it is this container's."""
    return bool(re.search(rf"[:/](?:vm|subvol|base|basevol)-{vmid}-disk-", volid))


def spare_key(config: Mapping[str, str]) -> str:
    """The first ``unusedN`` that is free."""
    return next(f"unused{n}" for n in range(256) if f"unused{n}" not in config)
