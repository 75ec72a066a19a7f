"""Backups now: vzdump, what it would do, and what is kept."""

from __future__ import annotations

import re
from typing import Any

from harness.embedded.node.errors import bad_parameters, failure, not_implemented
from harness.embedded.node.guest_config import Guest
from harness.embedded.node.operations import backups
from harness.embedded.node.routing import Call, route
from harness.embedded.node.runtime import ArchivingRuntime

_VARIABLES = ("cluster", "guestname", "node", "vmid")
_DEFAULTS: dict[str, Any] = {
    "all": 0,
    "bwlimit": 0,
    "compress": "0",
    "fleecing": {"enabled": 0},
    "ionice": 7,
    "lockwait": 180,
    "mailnotification": "always",
    "mode": "snapshot",
    "notification-mode": "auto",
    "performance": {"max-workers": 16, "pbs-entries-max": 1048576},
    "pigz": 0,
    "prune-backups": "keep-all=1",
    "quiet": 0,
    "remove": 1,
    "stdexcludes": 1,
    "stop": 0,
    "stopwait": 10,
    "zstd": 1,
}


def archiving(call: Call) -> ArchivingRuntime:
    """The runtime, when it can write archives; 501 otherwise."""
    if isinstance(call.node.runtime, ArchivingRuntime):
        return call.node.runtime
    raise not_implemented(call.method, call.path)


@route("POST", "/nodes/{node}/vzdump")
def dump(call: Call) -> str:
    """Back up containers."""
    check(call)
    runtime = archiving(call)
    job = backups.job(call.user, call.node, call.params)
    if call.get("storage") is not None:
        path = f"/storage/{call.get('storage')}"
        call.permissions.require(call.user, path, ["Datastore.AllocateSpace"])
    for vmid in job.vmids if call.get("vmid") else ():
        call.permissions.require(call.user, f"/vms/{vmid}", ["VM.Backup"])
    return backups.dump(call.node, runtime, job)


def check(call: Call) -> None:
    """Raise PVE's 400 for what a backup, now or later, cannot do."""
    if not any(call.get(name) for name in ("vmid", "all", "pool")):
        raise bad_parameters(vmid="property is missing")
    if call.get("exclude") is not None and call.get("vmid") is not None:
        raise bad_parameters(exclude="option conflicts with option 'vmid'")
    for found in re.finditer(r"\{\{(.*?)\}\}", call.get("notes-template") or ""):
        if found[1] not in _VARIABLES:
            text = f"found unknown: variable '{found[1]}' at char {found.end(1) - 1}\n"
            raise bad_parameters(notes_template=text)


@route("GET", "/nodes/{node}/vzdump/defaults")
def defaults(call: Call) -> dict[str, Any]:
    """What a backup does when nothing is said."""
    name = call.get("storage") or backups.DUMP_STORAGE
    storage = call.node.storages.need(name)
    return {**_DEFAULTS, "storage": name, "dumpdir": str(storage.path / "dump")}


@route("GET", "/nodes/{node}/vzdump/extractconfig")
def extract(call: Call) -> str:
    """The configuration that a backup kept."""
    volume = call.need("volume")
    record = backups.known(call.node, volume)
    if record is None or "config" not in record:
        raise failure(f"volume '{volume}' does not exist")
    return Guest(int(record["vmid"]), record["config"]).text
