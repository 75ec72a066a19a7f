"""Volumes: list, look at, allocate, delete."""

from __future__ import annotations

import re
from typing import Any

from harness.embedded.node import storages, uploads
from harness.embedded.node.errors import ApiError, bad_parameters, failure
from harness.embedded.node.grammar import formats, sizes
from harness.embedded.node.operations import guest_disks
from harness.embedded.node.routing import Call, route
from harness.embedded.node.store import Record
from harness.embedded.node.tasks import Task

_CONTENT = "/nodes/{node}/storage/{storage}/content"
_OWNED = {
    "backup": ("Datastore.AllocateSpace", "VM.Backup"),
    "images": ("Datastore.Audit", "VM.Config.Disk"),
    "rootdir": ("Datastore.Audit", "VM.Config.Disk"),
}
_SHOWN = ("ctime", "format", "size", "vmid", "notes", "protected", "subtype", "parent")


@route("GET", _CONTENT)
def list_content(call: Call) -> list[dict[str, Any]]:
    """The volumes of a storage that the caller may see."""
    storage = call.node.storages.usable(call.need("storage"), call.node.name)
    uploads.discover(call.node, storage)
    wanted = formats.split_list(call.get("content") or "") or list(storage.content)
    vmid = call.get("vmid")
    found = []
    for volid, record in call.node.storages.content(storage.name):
        if record["content"] in wanted and vmid in (None, str(record.get("vmid"))) and _may_see(call, storage, record):
            found.append(_listed(volid, record))
    return sorted(found, key=lambda item: str(item["volid"]))


def _may_see(call: Call, storage: storages.Storage, record: Record) -> bool:
    try:
        _check_access(call, storage, record)
    except ApiError:
        return False
    return True


def _check_access(call: Call, storage: storages.Storage, record: Record) -> None:
    """Raise PVE's 403 when the caller may not read a volume of this sort (``PVE::Storage``, check_volume_access)."""
    place, content, owner = f"/storage/{storage.name}", record["content"], record.get("vmid")
    if call.may(place, "Datastore.Allocate"):
        return
    if content in ("vztmpl", "iso", "import"):
        call.permissions.require_any(call.user, place, ["Datastore.AllocateSpace", "Datastore.Audit"])
    elif owner and content in _OWNED:
        on_storage, on_guest = _OWNED[content]
        call.permissions.require(call.user, place, [on_storage])
        call.permissions.require(call.user, f"/vms/{owner}", [on_guest])
    else:
        raise failure(f"missing privileges to access {storage.name}:{content}")


def _listed(volid: str, record: Record) -> dict[str, Any]:
    return {"volid": volid, "content": record["content"], **{k: record[k] for k in _SHOWN if k in record}}


def volume_id(call: Call) -> tuple[storages.Storage, str]:
    """Storage and volume id that the path names, written with or without the storage."""
    storage, text = call.need("storage"), call.need("volume")
    volume = text
    if ":" in text:
        name, volume = _split(text)
        if name != storage:
            raise bad_parameters(volume=f"storage ID mismatch ({name} != {storage})\n")
    found = call.node.storages.need(storage)
    call.node.storages.check_volume_name(found, volume)
    return found, f"{storage}:{volume}"


def _split(text: str) -> tuple[str, str]:
    try:
        return storages.split_volid(text)
    except ApiError as wrong:
        raise bad_parameters(volume=f"{wrong}\n") from None


def _record(call: Call, volid: str) -> Record:
    """The volume's record, or what its name tells of one that is not there."""
    name, owner = volid.partition(":")[2], storages.owner_of(volid)
    kind = name.partition("/")[0]
    told: dict[str, Any] = {"content": kind if kind in storages.FOLDERS else "images"}
    return {**told, **({"vmid": owner} if owner else {}), **(call.node.storages.volumes.get(volid) or {})}


@route("GET", f"{_CONTENT}/{{volume}}")
def get_volume(call: Call) -> dict[str, Any]:
    """Size and path of a volume."""
    storage, volid = volume_id(call)
    _check_access(call, storage, _record(call, volid))
    record = call.node.storages.volumes.get(volid)
    if record is None or ("vmid" in record and record["content"] in ("rootdir", "images")):
        raise failure(f"volume_size_info on '{volid}' failed - no format")
    size = int(record["size"])
    shown: dict[str, Any] = {"path": call.node.storages.file_path(volid), "size": size, "used": size, "format": "raw"}
    if record["content"] == "backup":
        shown |= {"protected": int(record.get("protected", 0))}
    return {**shown, "notes": record["notes"]} if record.get("notes") else shown


@route("POST", _CONTENT)
def allocate(call: Call) -> str:
    """Allocate a disk image under a name."""
    name, vmid, size = call.need("filename"), call.vmid, _kilobytes(call.need("size")) << 10
    form = _format(call, name)
    storage = call.node.storages.usable(call.need("storage"), call.node.name)
    if storage.kind.folders:
        _check_file(name, form, size)
    elif not name.startswith(f"vm-{vmid}-"):
        raise failure(f"illegal name '{name}' - should be 'vm-{vmid}-*'")
    volid = f"{storage.name}:{vmid}/{name}" if storage.kind.folders else f"{storage.name}:{name}"
    if volid in call.node.storages.volumes:
        raise failure(f"disk image '{call.node.storages.file_path(volid)}' already exists")
    call.node.storages.add(volid, "images", size, vmid=vmid, format=form)
    return volid


def _format(call: Call, name: str) -> str:
    """The format that a name's end and a parameter agree on."""
    found, given = re.search(r"\.(raw|qcow2|vmdk)$", name), call.get("format")
    if found and given not in (None, found[1]):
        raise bad_parameters(format=f"different storage formats ({given} != {found[1]})")
    return found[1] if found else given or "raw"


def _check_file(name: str, form: str, size: int) -> None:
    """Raise as a directory storage does on a name or a format that it has no use for."""
    found = re.fullmatch(r"(?:vm-|base-|subvol-)\d+-[^/\s]+\.(raw|qcow2|vmdk|subvol)", name)
    if not found:
        raise failure(f"unable to parse volume filename '{name}'")
    if found[1] != form:
        raise failure(f"illegal name '{name}' - wrong extension for format ('{found[1]} != '{form}')")
    if form == "subvol" and size:
        raise failure("storage does not support subvol quotas")


def _kilobytes(text: str) -> int:
    return int(text) if text.isdigit() else (sizes.parse_size(text) or 0) >> 10


@route("DELETE", f"{_CONTENT}/{{volume}}")
def delete_volume(call: Call) -> str | None:
    """Delete a volume; a missing one is no error."""
    storage, volid = volume_id(call)
    record = call.node.storages.volumes.get(volid) or {}
    _check_delete(call, storage, _record(call, volid))
    path = call.node.storages.file_path(volid)
    guest = storages.owner_of(volid)
    owner = f"{guest}@{storage.name}" if guest else storage.name

    def work(task: Task) -> None:
        if record.get("protected"):
            raise failure(f"cannot remove protected volume '{volid.partition(':')[2]}' on '{storage.name}'")
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
    place = f"/storage/{storage.name}"
    if record["content"] == "backup" and "vmid" in record:
        call.permissions.require(call.user, place, ["Datastore.AllocateSpace"])
        call.permissions.require(call.user, f"/vms/{record['vmid']}", ["VM.Backup"])
    else:
        call.permissions.require(call.user, place, ["Datastore.Allocate"])


@route("PUT", f"{_CONTENT}/{{volume}}")
def update_volume(call: Call) -> None:
    """Change notes or protection of a backup."""
    storage, volid = volume_id(call)
    record = _record(call, volid)
    _check_access(call, storage, record)
    known = volid in call.node.storages.volumes
    if "notes" in call.params:
        if record["content"] != "backup":
            raise failure("only backups can have notes")
        if known:
            call.node.storages.volumes.change(volid, notes=call.get("notes") or "")
    if "protected" in call.params:
        if record["content"] != "backup":
            raise failure("only backups support attribute 'protected'")
        if known:
            call.node.storages.volumes.change(volid, protected=call.number("protected", 0))


@route("POST", f"{_CONTENT}/{{volume}}")
def copy_volume(call: Call) -> str:
    """Start the task that copies a volume: PVE sends it to a node by ssh, and there is no other node to send it to."""
    _, volid = volume_id(call)
    target = call.need("target")
    if ":" in target and _split(target)[0] != call.need("storage"):
        raise bad_parameters(volume=f"storage ID mismatch ({_split(target)[0]} != {call.need('storage')})\n")

    def work(task: Task) -> None:
        task.log(f"DEBUG: COPY {volid} TO {target}")
        raise failure(f"failed: cannot send volume '{volid}' to the node that it is on")

    return call.node.tasks.start("imgcopy", "", call.user, work)


@route("GET", "/nodes/{node}/storage/{storage}/import-metadata")
def import_metadata(call: Call) -> None:
    """What a virtual machine's archive holds: this node reads none."""
    storage = call.node.storages.need(call.need("storage"))
    name = call.need("volume")
    call.node.storages.check_volume_name(storage, name)
    record = _record(call, f"{storage.name}:{name}")
    _check_access(call, storage, record)
    if record["content"] != "import":
        raise failure(f"invalid content type '{record['content']}'")
    raise failure(f"'{storage.name}:{name}' is no archive of a virtual machine that this node reads")
