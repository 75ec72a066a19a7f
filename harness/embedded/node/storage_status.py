"""Space of storages as lists show it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from harness.embedded.node.storages import Storage

if TYPE_CHECKING:
    from harness.embedded.node.node import Node

_ACTIVE = ("dir", "btrfs", "lvmthin", "lvm", "zfspool", "nfs", "cifs")


def space(node: Node, storage: Storage) -> tuple[int, int, int]:
    """Total, used and available bytes: those of the host's file system, less what the volumes take."""
    total, _, free = shutil.disk_usage("/")
    if node.storages.is_full(storage.name):
        return total, total, 0
    used = min(node.storages.used(storage.name), total) or 1
    return total, used, max(0, min(free, total - used))


def status(node: Node, storage: Storage) -> dict[str, Any]:
    """One storage as ``GET …/status`` shows it."""
    total, used, available = space(node, storage)
    shown: dict[str, Any] = {"type": storage.type, "content": ",".join(storage.content), "shared": 0}
    if not storage.enabled or not storage.is_on(node.name):
        return {**shown, "active": 0, "enabled": 0, "total": 0, "used": 0, "avail": 0}
    return {**shown, "active": 1, "enabled": 1, "total": total, "used": used, "avail": available}


def listed(node: Node, storage: Storage) -> dict[str, Any]:
    """One storage as ``GET /nodes/{node}/storage`` lists it."""
    shown = {"storage": storage.name, **status(node, storage)}
    return {**shown, "used_fraction": shown["used"] / shown["total"]} if shown["total"] else shown


def resource(node: Node, storage: Storage) -> dict[str, Any]:
    """One storage as ``GET /cluster/resources`` lists it."""
    total, used, _ = space(node, storage)
    shown = {"id": f"storage/{node.name}/{storage.name}", "node": node.name, "storage": storage.name}
    shown |= {"type": "storage", "plugintype": storage.type, "content": ",".join(storage.content)}
    return {**shown, "status": "available", "shared": 0, "disk": used, "maxdisk": total}
