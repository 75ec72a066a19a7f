"""Backup jobs."""

from __future__ import annotations

import secrets
import time
from typing import Any

from harness.embedded.node import backup_jobs
from harness.embedded.node.errors import bad_parameters, failure
from harness.embedded.node.grammar.formats import split_list
from harness.embedded.node.grammar.verify import Rule
from harness.embedded.node.guest_config import Guest
from harness.embedded.node.operations import guest_disks
from harness.embedded.node.routes.backups import check
from harness.embedded.node.routing import Call, route
from harness.embedded.node.store import Record

_JOBS = "/cluster/backup"
_CONTROL = frozenset(("id", "delete"))
_DAY = 86400
_KINDS = ("package-updates", "fencing", "replication", "vzdump", "system-mail")


def _shown(call: Call, name: str, job: Record) -> dict[str, Any]:
    rules: dict[str, Rule] = dict(call.node.schema.endpoints["POST", _JOBS].rules)
    numbers = ("integer", "boolean", "number")
    typed = {key: int(value) if rules[key].get("type") in numbers else value for key, value in job.items()}
    shown = {"enabled": 1, **typed, "id": name, "type": "vzdump"}
    return {**shown, "next-run": int(time.time()) // _DAY * _DAY + _DAY} if shown["enabled"] else shown


@route("GET", _JOBS)
def list_jobs(call: Call) -> list[dict[str, Any]]:
    """All jobs."""
    return [_shown(call, name, job) for name, job in call.node.store.table("backup-job").items()]


@route("POST", _JOBS)
def create_job(call: Call) -> None:
    """Make a job."""
    name = call.get("id") or f"backup-{secrets.token_hex(4)}-{secrets.token_hex(2)}"
    if name in call.node.store.table("backup-job"):
        raise failure(f"Job '{name}' already exists")
    check(call)
    settings = {key: value for key, value in call.params.items() if key not in _CONTROL}
    call.node.store.table("backup-job").put(name, settings)


def _need(call: Call) -> Record:
    job = call.node.store.table("backup-job").get(call.need("id"))
    if job is None:
        raise bad_parameters(id=f"No such job '{call.need('id')}'")
    return job


@route("GET", f"{_JOBS}/{{id}}")
def get_job(call: Call) -> dict[str, Any]:
    """One job."""
    shown = _shown(call, call.need("id"), _need(call))
    shown.pop("next-run", None)
    return shown


@route("GET", f"{_JOBS}/{{id}}/included_volumes")
def included_volumes(call: Call) -> dict[str, Any]:
    """The disks that a job backs up."""
    named = backup_jobs.guests_of(call.node, _need(call))
    return {"children": [_included(call, guest) for guest in call.node.guests.all() if guest.vmid in named]}


def _included(call: Call, guest: Guest) -> dict[str, Any]:
    disks = [_disk(disk) for disk in guest_disks.of_config(call.node, guest.config)]
    return {"id": guest.vmid, "name": guest.hostname, "type": "lxc", "children": disks}


def _disk(disk: guest_disks.Disk) -> dict[str, Any]:
    wanted = disk.key == "rootfs" or disk.values.get("backup") == "1"
    included = wanted and disk.kind == "volume"
    reason = "rootfs" if disk.key == "rootfs" else "enabled" if included else "disabled"
    if disk.kind != "volume":
        reason = "not a volume"
    return {"id": disk.key, "name": disk.volume, "included": int(included), "reason": reason}


@route("GET", "/cluster/backup-info/not-backed-up")
def not_backed_up(call: Call) -> list[dict[str, Any]]:
    """The containers that no job takes in, of those that the caller may see."""
    jobs = [job for _, job in call.node.store.table("backup-job").items()]
    named = {vmid for job in jobs for vmid in backup_jobs.guests_of(call.node, job)}
    left = [guest for guest in call.node.guests.all() if guest.vmid not in named]
    seen = [guest for guest in left if call.may(f"/vms/{guest.vmid}", "VM.Audit")]
    return [{"vmid": guest.vmid, "name": guest.hostname, "type": "lxc"} for guest in seen]


@route("GET", "/cluster/notifications/matcher-field-values")
def matcher_values(call: Call) -> list[dict[str, Any]]:
    """What a notification may be told by: its kind, its job, its node."""
    kinds = [{"value": kind, "field": "type"} for kind in _KINDS]
    table = call.node.store.table("backup-job")
    jobs = [{"value": name, "comment": job.get("comment"), "field": "job-id"} for name, job in table.items()]
    return [*kinds, *(jobs if call.may("/", "Sys.Audit") else []), {"value": call.node.name, "field": "hostname"}]


@route("PUT", f"{_JOBS}/{{id}}")
def update_job(call: Call) -> None:
    """Change a job."""
    removed = split_list(call.get("delete") or "")
    kept = {key: value for key, value in _need(call).items() if key not in removed}
    changed = {key: value for key, value in call.params.items() if key not in _CONTROL}
    call.node.store.table("backup-job").put(call.need("id"), {**kept, **changed})


@route("DELETE", f"{_JOBS}/{{id}}")
def delete_job(call: Call) -> None:
    """Remove a job."""
    _need(call)
    call.node.store.table("backup-job").delete(call.need("id"))
