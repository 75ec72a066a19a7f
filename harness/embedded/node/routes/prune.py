"""Which backups are kept: shown, and deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from harness.embedded.node import uploads
from harness.embedded.node.grammar.formats import split_list
from harness.embedded.node.operations import guest_disks
from harness.embedded.node.routing import Call, route
from harness.embedded.node.store import Record
from harness.embedded.node.tasks import Task

_PRUNE = "/nodes/{node}/storage/{storage}/prunebackups"
# What two backups share when only one of them counts for an option (PVE API schema, format prune-backups).
_PERIODS: Mapping[str, Callable[[time.struct_time], tuple[int, ...]]] = {
    "keep-hourly": lambda t: (t.tm_year, t.tm_yday, t.tm_hour),
    "keep-daily": lambda t: (t.tm_year, t.tm_yday),
    "keep-weekly": lambda t: tuple(map(int, time.strftime("%G %V", t).split())),
    "keep-monthly": lambda t: (t.tm_year, t.tm_mon),
    "keep-yearly": lambda t: (t.tm_year,),
}


@route("GET", _PRUNE)
def preview(call: Call) -> list[dict[str, Any]]:
    """Which backups would go."""
    call.node.storages.usable(call.need("storage"), call.node.name)
    return marked(_backups(call), _rules(call))


@route("DELETE", _PRUNE)
def prune(call: Call) -> str:
    """Start the task ``prunebackups``."""
    name = call.need("storage")
    call.node.storages.usable(name, call.node.name)
    if call.get("vmid") and call.may(f"/storage/{name}", "Datastore.AllocateSpace"):
        call.permissions.require(call.user, f"/vms/{call.get('vmid')}", ["VM.Backup"])
    else:
        call.permissions.require(call.user, f"/storage/{name}", ["Datastore.Allocate"])
    rules = _rules(call)

    def work(task: Task) -> None:
        for item in marked(_backups(call), rules):
            task.log(f"{item['mark']}: {item['volid']}")
            if item["mark"] == "remove":
                guest_disks.remove_volume(call.node, item["volid"])
                uploads.forget(call.node, item["volid"])

    subject = f"{call.get('vmid')}@{name}" if call.get("vmid") else name
    return call.node.tasks.start("prunebackups", subject, call.user, work)


def _backups(call: Call) -> list[tuple[str, Record]]:
    found = [(v, r) for v, r in call.node.storages.content(call.need("storage")) if r["content"] == "backup"]
    kind, vmid = call.get("type"), call.get("vmid")
    return [(v, r) for v, r in found if vmid in (None, str(r["vmid"])) and kind in (None, r["subtype"])]


def _rules(call: Call) -> dict[str, int]:
    """The options given, else those of the storage, else everything is kept."""
    options = call.node.storages.need(call.need("storage")).options
    text = call.get("prune-backups") or str(options.get("prune-backups", "keep-all=1"))
    pairs = (part.partition("=") for part in split_list(text))
    return {name: int(number or 0) for name, _, number in pairs}


def marked(backups: list[tuple[str, Record]], rules: Mapping[str, int]) -> list[dict[str, Any]]:
    """Each backup with ``keep``, ``remove`` or ``protected``; the guests are looked at one by one."""
    found: list[dict[str, Any]] = []
    for vmid in sorted({int(record["vmid"]) for _, record in backups}):
        mine = sorted((b for b in backups if int(b[1]["vmid"]) == vmid), key=lambda b: -int(b[1]["ctime"]))
        kept = _kept([b for b in mine if not b[1].get("protected")], rules)
        found += [_marked(volid, record, kept=volid in kept) for volid, record in mine]
    return sorted(found, key=lambda item: int(item["ctime"]))


def _marked(volid: str, record: Record, *, kept: bool) -> dict[str, Any]:
    mark = "protected" if record.get("protected") else "keep" if kept else "remove"
    shown = {"volid": volid, "ctime": record["ctime"], "mark": mark, "type": record["subtype"]}
    return {**shown, "vmid": record["vmid"]}


def _kept(newest_first: list[tuple[str, Record]], rules: Mapping[str, int]) -> set[str]:
    if rules.get("keep-all") or not any(rules.values()):
        return {volid for volid, _ in newest_first}
    kept = {volid for volid, _ in newest_first[: rules.get("keep-last", 0)]}
    for option, period in _PERIODS.items():
        covered = {period(time.localtime(int(r["ctime"]))) for v, r in newest_first if v in kept}
        left = rules.get(option, 0)
        for volid, record in newest_first:
            when = period(time.localtime(int(record["ctime"])))
            if left and volid not in kept and when not in covered:
                kept.add(volid)
                covered.add(when)
                left -= 1
    return kept
