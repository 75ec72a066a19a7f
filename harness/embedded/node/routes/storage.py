"""Storages: configuration and status."""

# ruff: noqa: ARG001 - every handler takes the call

from __future__ import annotations

import uuid
from typing import Any

from harness.embedded.node import storage_status, storages
from harness.embedded.node.errors import bad_parameters, failure
from harness.embedded.node.grammar.formats import split_list
from harness.embedded.node.guests import modified
from harness.embedded.node.routing import Call, route

_DEFAULT_CONTENT = {"nfs": "images", "cifs": "images", "lvm": "images", "pbs": "backup", "cephfs": "backup,vztmpl,iso"}
_REQUIRED = {
    "dir": ("path",),
    "btrfs": ("path",),
    "nfs": ("server", "export"),
    "cifs": ("server", "share"),
    "lvm": ("vgname",),
    "lvmthin": ("vgname", "thinpool"),
    "zfspool": ("pool",),
    "pbs": ("server", "datastore"),
}
_FIXED = frozenset(("path", "server", "export", "share", "vgname", "thinpool", "pool", "datastore", "type"))
_SEEN = ("Datastore.Audit", "Datastore.AllocateSpace")
_CONTROL = frozenset(("storage", "delete", "digest"))


@route("GET", "/storage")
def list_storages(call: Call) -> list[dict[str, Any]]:
    """The configured storages that the caller may use."""
    kind = call.get("type")
    found = [s for s in call.node.storages.all() if call.may_any(f"/storage/{s.name}", *_SEEN)]
    return [_shown(call, storage) for storage in found if kind in (None, storage.type)]


def _shown(call: Call, storage: storages.Storage) -> dict[str, Any]:
    options = {key: _typed(key, value) for key, value in storage.options.items()}
    return {**options, "storage": storage.name, "digest": call.node.storages.digest}


def _typed(key: str, value: Any) -> Any:
    return int(value) if key in ("disable", "shared", "sparse", "mkdir", "maxfiles") and str(value).isdigit() else value


@route("POST", "/storage")
def create_storage(call: Call) -> dict[str, str]:
    """Add a storage."""
    name, kind = call.need("storage"), call.need("type")
    if call.node.storages.find(name):
        raise failure(f"create storage failed: storage ID '{name}' already defined")
    missing = next((option for option in _REQUIRED.get(kind, ()) if not call.get(option)), None)
    if missing:
        raise failure(f"missing value for required option '{missing}'")
    options = {key: value for key, value in call.params.items() if key not in _CONTROL}
    options.setdefault("content", _DEFAULT_CONTENT.get(kind, "images,rootdir"))
    call.node.storages.put(name, options)
    return {"storage": name, "type": kind}


@route("GET", "/storage/{storage}")
def get_storage(call: Call) -> dict[str, Any]:
    """One storage's configuration."""
    return _shown(call, call.node.storages.need(call.need("storage")))


@route("PUT", "/storage/{storage}")
def update_storage(call: Call) -> dict[str, str]:
    """Change a storage's configuration."""
    name = call.need("storage")
    storage = call.node.storages.find(name)
    if storage is None:
        raise failure(f"update storage failed: storage '{name}' does not exist")
    if call.get("digest") not in (None, call.node.storages.digest):
        raise failure(f"update storage failed: {modified()}")
    removed = split_list(call.get("delete") or "")
    _check_removed(call, removed)
    kept = {key: value for key, value in storage.options.items() if key not in removed}
    changed = {key: value for key, value in call.params.items() if key not in _CONTROL}
    call.node.storages.put(name, {**kept, **changed})
    return {"storage": name, "type": storage.type}


def _check_removed(call: Call, names: list[str]) -> None:
    for name in names:
        if name not in call.node.schema.endpoints["POST", "/storage"].rules:
            raise failure(f"update storage failed: no such option '{name}'")
        if name in _FIXED:
            raise failure(f"update storage failed: unable to delete required option '{name}'")
        if name in call.params:
            both = f"cannot set and delete property '{name}' at the same time!"
            raise failure(f"update storage failed: {both}")


@route("DELETE", "/storage/{storage}")
def delete_storage(call: Call) -> None:
    """Remove a storage's configuration."""
    name = call.need("storage")
    if call.node.storages.find(name) is None:
        raise failure(f"delete storage failed: storage '{name}' does not exist")
    call.node.storages.remove(name)
    for key, entry in call.node.store.table("acl").items():
        if entry["path"] == f"/storage/{name}":
            call.node.store.table("acl").delete(key)


@route("GET", "/nodes/{node}/storage")
def node_storages(call: Call) -> list[dict[str, Any]]:
    """The storages of the node with their space."""
    wanted, name = set(split_list(call.get("content") or "")), call.get("storage")
    found = [s for s in call.node.storages.all() if not wanted or wanted & set(s.content)]
    if name and name not in (storage.name for storage in found):
        raise bad_parameters(storage="No such storage.")
    elsewhere = call.get("target") not in (None, call.node.name, "localhost")
    shown = [s for s in found if name in (None, s.name) and _is_listed(call, s, elsewhere=elsewhere)]
    return [_with_formats(call, storage) for storage in shown]


def _is_listed(call: Call, storage: storages.Storage, *, elsewhere: bool) -> bool:
    if call.flag("enabled") and not storage.enabled:
        return False
    if elsewhere and str(storage.options.get("shared", "0")) != "1":
        return False
    return call.may_any(f"/storage/{storage.name}", *_SEEN)


def _with_formats(call: Call, storage: storages.Storage) -> dict[str, Any]:
    shown = storage_status.listed(call.node.name, call.node.storages, storage)
    if not call.flag("format"):
        return shown
    supported = ["qcow2", "raw", "subvol", "vmdk"] if storage.kind.folders else ["raw"]
    if call.node.release.startswith("9"):
        return {**shown, "formats": {"default": "raw", "supported": supported}}
    return {**shown, "format": [dict.fromkeys(supported, 1), "raw"]}


@route("GET", "/nodes/{node}/storage/{storage}")
def storage_index(call: Call) -> list[dict[str, str]]:
    """What there is of a storage."""
    names = ("content", "download-url", "file-restore", "import-metadata", "identity", "oci-registry-pull")
    rest = ("prunebackups", "rrd", "rrddata", "status", "upload")
    return [{"subdir": name} for name in (*names, *rest)]


@route("GET", "/nodes/{node}/storage/{storage}/identity")
def storage_identity(call: Call) -> dict[str, str]:
    """Which storage this is, wherever it is configured."""
    storage = call.node.storages.need(call.need("storage"))
    return {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{storage.type}:{storage.path}")), "type": storage.type}


@route("GET", "/nodes/{node}/storage/{storage}/file-restore/list")
@route("GET", "/nodes/{node}/storage/{storage}/file-restore/download")
def file_restore(call: Call) -> None:
    """Only a backup server's storage can do that, and there is none."""
    call.node.storages.need(call.need("storage"))
    raise bad_parameters(storage="Only PBS storages supported for file-restore.")


@route("GET", "/nodes/{node}/storage/{storage}/status")
def storage_state(call: Call) -> dict[str, Any]:
    """The space of one storage."""
    storage = call.node.storages.find(call.need("storage"))
    if storage is None:
        raise bad_parameters(storage="No such storage.")
    return storage_status.status(call.node.name, call.node.storages, storage)
