"""Space of storages as lists show it."""

from __future__ import annotations

import shutil
from typing import Any

from harness.embedded.node.storages import Storage, Storages

_ACTIVE = ("dir", "btrfs", "lvmthin", "lvm", "zfspool", "nfs", "cifs")


def space(storages: Storages, storage: Storage) -> tuple[int, int, int]:
    """Total, used and available bytes: those of the host's file system, less what the volumes take."""
    total, _, free = shutil.disk_usage("/")
    if storages.is_full(storage.name):
        return total, total, 0
    used = min(storages.used(storage.name), total) or 1
    return total, used, max(0, min(free, total - used))


def status(node: str, storages: Storages, storage: Storage) -> dict[str, Any]:
    """One storage as ``GET …/status`` shows it."""
    total, used, available = space(storages, storage)
    shown: dict[str, Any] = {"type": storage.type, "content": ",".join(storage.content), "shared": 0}
    if not storage.enabled or not storage.is_on(node):
        return {**shown, "active": 0, "enabled": 0, "total": 0, "used": 0, "avail": 0}
    return {**shown, "active": 1, "enabled": 1, "total": total, "used": used, "avail": available}


def listed(node: str, storages: Storages, storage: Storage) -> dict[str, Any]:
    """One storage as ``GET /nodes/{node}/storage`` lists it."""
    shown = {"storage": storage.name, **status(node, storages, storage)}
    return {**shown, "used_fraction": shown["used"] / shown["total"]} if shown["total"] else shown


def resource(node: str, storages: Storages, storage: Storage) -> dict[str, Any]:
    """One storage as ``GET /cluster/resources`` lists it."""
    total, used, _ = space(storages, storage)
    shown = {"id": f"storage/{node}/{storage.name}", "node": node, "storage": storage.name}
    shown |= {"type": "storage", "plugintype": storage.type, "content": ",".join(storage.content)}
    return {**shown, "status": "available", "shared": 0, "disk": used, "maxdisk": total}
