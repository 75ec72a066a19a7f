"""Volumes: list, look at, allocate, delete."""

from __future__ import annotations

import re
from typing import Any

from harness.embedded.node import formats, guest_disks, sizes, storages, uploads
from harness.embedded.node.errors import bad_parameters, denied, failure
from harness.embedded.node.routing import Call, route
from harness.embedded.node.store import Record
from harness.embedded.node.tasks import Task

_CONTENT = "/nodes/{node}/storage/{storage}/content"
_SHOWN = ("ctime", "format", "size", "vmid", "notes", "protected", "subtype", "parent")


@route("GET", _CONTENT)
def list_content(call: Call) -> list[dict[str, Any]]:
    """The volumes of a storage that the caller may see."""
    storage = call.node.storages.usable(call.need("storage"), call.node.name)
    wanted = formats.split_list(call.get("content") or "") or list(storage.content)
    vmid = call.get("vmid")
    found = []
    for volid, record in call.node.storages.content(storage.name):
        if record["content"] in wanted and vmid in (None, str(record.get("vmid"))) and _may_see(call, storage, record):
            found.append(_listed(volid, record))
    return sorted(found, key=lambda item: str(item["volid"]))


def _may_see(call: Call, storage: storages.Storage, record: Record) -> bool:
    if "vmid" in record and record["content"] in ("rootdir", "images"):
        owner = f"/vms/{record['vmid']}"
        return call.may(f"/storage/{storage.name}", "Datastore.Allocate") or call.may(owner, "VM.Config.Disk")
    return call.may_any(f"/storage/{storage.name}", "Datastore.Audit", "Datastore.AllocateSpace")


def _listed(volid: str, record: Record) -> dict[str, Any]:
    return {"volid": volid, "content": record["content"], **{k: record[k] for k in _SHOWN if k in record}}


def volume_id(call: Call) -> tuple[storages.Storage, str]:
    """Storage and volume id that the path names, written with or without the storage."""
    storage, text = call.need("storage"), call.need("volume")
    name, _, rest = text.partition(":")
    if rest and name != storage:
        raise bad_parameters(storage=f"storage ID missmatch ({name} != {storage}")
    found = call.node.storages.need(storage)
    volume = rest or text
    call.node.storages.check_volume_name(found, volume)
    return found, f"{storage}:{volume}"


@route("GET", f"{_CONTENT}/{{volume}}")
def get_volume(call: Call) -> dict[str, Any]:
    """Size and path of a volume."""
    storage, volid = volume_id(call)
    _check_access(call, storage, volid)
    record = call.node.storages.volumes.get(volid)
    if record is None or ("vmid" in record and record["content"] in ("rootdir", "images")):
        raise failure(f"volume_size_info on '{volid}' failed - no format")
    size = int(record["size"])
    shown: dict[str, Any] = {"path": call.node.storages.file_path(volid), "size": size, "used": size, "format": "raw"}
    if record["content"] == "backup":
        shown |= {"protected": int(record.get("protected", 0))}
    return {**shown, "notes": record["notes"]} if record.get("notes") else shown


def _check_access(call: Call, storage: storages.Storage, volid: str) -> None:
    record = call.node.storages.volumes.get(volid) or {}
    if not _may_see(call, storage, {"content": "vztmpl", **record}):
        raise denied(f"/storage/{storage.name}, Datastore.Audit|Datastore.AllocateSpace")


@route("POST", _CONTENT)
def allocate(call: Call) -> str:
    """Allocate a disk image under a name."""
    storage, name, vmid = call.node.storages.need(call.need("storage")), call.need("filename"), call.vmid
    size = _kilobytes(call.need("size")) << 10
    if not re.fullmatch(rf"(?:vm|base|subvol)-{vmid}-\S+", name):
        raise failure(f"illegal name '{name}' - should be 'vm-{vmid}-*'")
    inner = f"{vmid}/{name}" if storage.kind.folders else name
    volid = f"{storage.name}:{inner}"
    if volid in call.node.storages.volumes:
        raise failure(f"disk image '{call.node.storages.file_path(volid)}' already exists")
    call.node.storages.add(volid, "images", size, vmid=vmid, format=call.get("format") or "raw")
    return volid


def _kilobytes(text: str) -> int:
    return int(text) if text.isdigit() else (sizes.parse_size(text) or 0) >> 10


@route("DELETE", f"{_CONTENT}/{{volume}}")
def delete_volume(call: Call) -> str | None:
    """Delete a volume; a missing one is no error."""
    storage, volid = volume_id(call)
    record = call.node.storages.volumes.get(volid) or {}
    _check_delete(call, storage, record)
    if record.get("protected"):
        raise failure(f"cannot remove protected volume '{volid}'")
    path = call.node.storages.file_path(volid)
    guest = storages.owner_of(volid)
    owner = f"{guest}@{storage.name}" if guest else storage.name

    def work(task: Task) -> None:
        if not record:
            task.log(f"disk image '{path}' does not exist")
        _forget(call, volid)
        task.log(f"Removed volume '{volid}'")

    upid = call.node.tasks.start("imgdel", owner, call.user, work)
    return _after(call, upid)


def _after(call: Call, upid: str) -> str | None:
    """The task, or nothing when it ended well within ``delay`` seconds."""
    if not call.number("delay", 0) or not call.node.tasks.wait(upid, call.number("delay", 0)):
        return upid
    end = str(call.node.tasks.status(upid)["exitstatus"])
    if end != "OK":
        raise failure(end)
    return None


def _forget(call: Call, volid: str) -> None:
    guest_disks.remove_volume(call.node, volid)
    uploads.forget(call.node, volid)
    name = volid.partition(":")[2]
    if name.startswith("vztmpl/"):
        call.node.runtime.forget_template(name.removeprefix("vztmpl/"))


def _check_delete(call: Call, storage: storages.Storage, record: Record) -> None:
    privilege = "Datastore.AllocateTemplate" if record.get("content") in ("vztmpl", "iso") else "Datastore.Allocate"
    if "vmid" in record and call.may(f"/storage/{storage.name}", "Datastore.AllocateSpace"):
        call.permissions.require(call.user, f"/vms/{record['vmid']}", ["VM.Backup"])
        return
    call.permissions.require(call.user, f"/storage/{storage.name}", [privilege])


@route("PUT", f"{_CONTENT}/{{volume}}")
def update_volume(call: Call) -> None:
    """Change notes or protection of a backup."""
    storage, volid = volume_id(call)
    _check_access(call, storage, volid)
    record = call.node.storages.volumes.get(volid)
    if record is None:
        raise failure(f"volume '{volid}' does not exist")
    if record["content"] != "backup":
        raise failure("attributes can only be set on backups")
    if "notes" in call.params:
        call.node.storages.volumes.change(volid, notes=call.get("notes") or "")
    if "protected" in call.params:
        call.node.storages.volumes.change(volid, protected=call.number("protected", 0))
