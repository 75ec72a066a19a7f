"""High-availability resources."""

from __future__ import annotations

import re
from typing import Any

from harness.embedded.node.errors import failure
from harness.embedded.node.grammar.formats import split_list
from harness.embedded.node.guests import modified
from harness.embedded.node.operations import ha
from harness.embedded.node.routing import Call, route
from harness.embedded.node.store import Record

_RESOURCES = "/cluster/ha/resources"
_NUMBERS = frozenset(("max_restart", "max_relocate", "failback", "auto-rebalance"))
_OPTIONS = _NUMBERS | {"state", "group", "comment"}


def _shown(call: Call, sid: str, record: Record) -> dict[str, Any]:
    typed = {key: int(value) if key in _NUMBERS else value for key, value in record.items()}
    return {**typed, "sid": sid, "type": sid.partition(":")[0], "digest": ha.digest(call.node)}


@route("GET", _RESOURCES)
def list_resources(call: Call) -> list[dict[str, Any]]:
    """All resources, or those of one type."""
    kind = call.get("type")
    found = call.node.store.table("ha").items()
    return [_shown(call, sid, record) for sid, record in found if kind in (None, sid.partition(":")[0])]


@route("POST", _RESOURCES)
def create_resource(call: Call) -> None:
    """Manage a container."""
    _check_group(call)
    sid = ha.full_sid(call.node, call.need("sid"))
    _check_name(call, sid)
    if sid in call.node.store.table("ha"):
        raise failure(f"create resource failed: resource ID '{sid}' already defined")
    settings = {key: value for key, value in call.params.items() if key not in ("sid", "type")}
    call.node.store.table("ha").put(sid, {"state": "started", **settings})


def _check_name(call: Call, sid: str) -> None:
    """The resource must be one that there is."""
    kind, _, name = sid.partition(":")
    if call.get("type") not in (None, kind):
        raise failure("types does not match")
    if kind not in ("ct", "vm"):
        raise failure(f"unknown section type '{kind}'")
    if not re.fullmatch(r"[1-9][0-9]+", name):
        raise failure("invalid VMID")
    if kind == "vm" or call.node.guests.find(int(name)) is None:
        raise failure(f"resource '{sid}' does not exist in cluster")


def _check_group(call: Call) -> None:
    """9.x has rules in place of groups."""
    if call.get("group") and call.node.release.startswith("9"):
        raise failure("invalid parameter 'group': ha groups have been migrated to rules")


def _need(call: Call, doing: str = "") -> tuple[str, Record]:
    sid = ha.full_sid(call.node, call.need("sid"))
    record = call.node.store.table("ha").get(sid)
    if record is None:
        raise ha.missing(sid, doing)
    return sid, record


@route("GET", f"{_RESOURCES}/{{sid}}")
def get_resource(call: Call) -> dict[str, Any]:
    """One resource."""
    return _shown(call, *_need(call))


@route("PUT", f"{_RESOURCES}/{{sid}}")
def update_resource(call: Call) -> None:
    """Change a resource."""
    _check_group(call)
    sid, record = _need(call, "update resource failed: ")
    if call.get("digest") not in (None, ha.digest(call.node)):
        raise failure(f"update resource failed: {modified()}")
    removed = split_list(call.get("delete") or "")
    unknown = next((name for name in removed if name not in _OPTIONS), None)
    if unknown is not None:
        raise failure(f"update resource failed: no such option '{unknown}'")
    kept = {key: value for key, value in record.items() if key not in removed}
    changed = {key: value for key, value in call.params.items() if key not in ("sid", "digest", "delete")}
    call.node.store.table("ha").put(sid, {**kept, **changed})


@route("DELETE", f"{_RESOURCES}/{{sid}}")
def delete_resource(call: Call) -> None:
    """Manage a container no more."""
    sid = ha.full_sid(call.node, call.need("sid"))
    if sid not in call.node.store.table("ha"):
        raise failure(f"cannot delete service '{sid}', not HA managed!")
    call.node.store.table("ha").delete(sid)
