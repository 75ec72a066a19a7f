"""Groups (8.x) and rules (9.x) of high availability, as records: nothing moves anywhere."""

from __future__ import annotations

import hashlib
from typing import Any

from harness.embedded.node.errors import bad_parameters, failure
from harness.embedded.node.grammar.formats import split_list
from harness.embedded.node.guests import modified
from harness.embedded.node.node import Node
from harness.embedded.node.operations import ha
from harness.embedded.node.routing import Call, route
from harness.embedded.node.store import Record, Table

_GROUPS, _RULES = "/cluster/ha/groups", "/cluster/ha/rules"
_CONTROL = frozenset(("digest", "delete", "group", "rule"))
_NUMBERS = frozenset(("restricted", "nofailback", "strict", "disable"))


def _sha1(table: Table) -> str:
    text = "".join(f"{name}{sorted(record.items())}" for name, record in sorted(table.items()))
    return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324  # PVE's digest, not a protection


def _fields(call: Call) -> dict[str, Any]:
    given = {key: value for key, value in call.params.items() if key not in _CONTROL and value is not None}
    return {key: int(value) if key in _NUMBERS else value for key, value in given.items()}


def _changed(call: Call, record: Record) -> dict[str, Any]:
    removed = split_list(call.get("delete") or "")
    return {**{key: value for key, value in record.items() if key not in removed}, **_fields(call)}


def _groups(call: Call, doing: str) -> Table:
    """The groups of 8.x; 9.x has none any more and says so."""
    if call.node.release.startswith("9"):
        raise failure(f"cannot {doing}: ha groups have been migrated to rules")
    return call.node.store.table("ha-group")


def _need_group(call: Call, table: Table) -> Record:
    record = table.get(call.need("group"))
    if record is None:
        raise failure(f"no such ha group '{call.need('group')}'")
    return record


@route("GET", _GROUPS)
def list_groups(call: Call) -> list[dict[str, Any]]:
    """All groups."""
    table = _groups(call, "index groups")
    shared = {"type": "group", "digest": _sha1(table)}
    return [{**record, "group": name, **shared} for name, record in table.items()]


@route("POST", _GROUPS)
def create_group(call: Call) -> None:
    """Make a group."""
    table, name = _groups(call, "create group"), call.need("group")
    if name in table:
        raise failure(f"create ha group failed: ha group ID '{name}' already defined")
    table.put(name, {key: value for key, value in _fields(call).items() if key != "type"})


@route("GET", f"{_GROUPS}/{{group}}")
def get_group(call: Call) -> dict[str, Any]:
    """One group."""
    table = _groups(call, "read group")
    return {**_need_group(call, table), "group": call.need("group"), "type": "group", "digest": _sha1(table)}


@route("PUT", f"{_GROUPS}/{{group}}")
def update_group(call: Call) -> None:
    """Change a group."""
    table = _groups(call, "update group")
    record = _need_group(call, table)
    if call.get("digest") not in (None, _sha1(table)):
        raise failure(f"update ha group failed: {modified()}")
    table.put(call.need("group"), _changed(call, record))


@route("DELETE", f"{_GROUPS}/{{group}}")
def delete_group(call: Call) -> None:
    """Remove a group."""
    _groups(call, "delete group").delete(call.need("group"))


@route("GET", _RULES)
def list_rules(call: Call) -> list[dict[str, Any]]:
    """All rules, or those of a type or a resource."""
    kind, resource = call.get("type"), call.get("resource")
    found = [_shown(call.node, name, record) for name, record in call.node.store.table("ha-rule").items()]
    return [
        rule
        for rule in found
        if kind in (None, rule["type"]) and (resource is None or resource in split_list(rule["resources"]))
    ]


def _shown(node: Node, name: str, record: Record) -> dict[str, Any]:
    return {**record, "rule": name, "digest": _sha1(node.store.table("ha-rule"))}


@route("POST", _RULES)
def create_rule(call: Call) -> None:
    """Make a rule."""
    table, name = call.node.store.table("ha-rule"), call.need("rule")
    if name in table:
        raise failure(f"HA rule '{name}' already defined")
    _check_rule(call)
    table.put(name, {**_fields(call), "resources": _resources(call)})


def _check_rule(call: Call) -> None:
    needed = {"node-affinity": "nodes", "resource-affinity": "affinity"}[call.need("type")]
    if not call.get(needed):
        raise bad_parameters(**{needed: "missing property - 'type' requires this property"})
    for name in split_list((call.get("nodes") or "").replace(":", ",").replace(";", ",")):
        if not name.isdigit() and name != call.node.name:
            raise bad_parameters(nodes=f"node '{name}' does not exist")


def _resources(call: Call) -> str:
    return ",".join(ha.full_sid(call.node, text) for text in split_list(call.need("resources")))


def _need_rule(call: Call) -> Record:
    record = call.node.store.table("ha-rule").get(call.need("rule"))
    if record is None:
        raise failure(f"no such ha rule '{call.need('rule')}'")
    return record


@route("GET", f"{_RULES}/{{rule}}")
def get_rule(call: Call) -> dict[str, Any]:
    """One rule."""
    return _shown(call.node, call.need("rule"), _need_rule(call))


@route("PUT", f"{_RULES}/{{rule}}")
def update_rule(call: Call) -> None:
    """Change a rule."""
    table, record = call.node.store.table("ha-rule"), _need_rule(call)
    if call.get("digest") not in (None, _sha1(table)):
        raise modified()
    changed = _changed(call, record)
    if call.get("resources"):
        changed["resources"] = _resources(call)
    table.put(call.need("rule"), changed)


@route("DELETE", f"{_RULES}/{{rule}}")
def delete_rule(call: Call) -> None:
    """Remove a rule."""
    _need_rule(call)
    call.node.store.table("ha-rule").delete(call.need("rule"))


@route("GET", "/cluster/ha/status/manager_status")
def manager_status(call: Call) -> dict[str, Any]:
    """There is no manager at work."""
    quorum = {"node": call.node.name, "quorate": "1"}
    return {"lrm_status": {call.node.name: {}}, "manager_status": {}, "quorum": quorum}


def _crm(call: Call, doing: str) -> None:
    sid = ha.full_sid(call.node, call.need("sid"))
    if sid not in call.node.store.table("ha"):
        raise failure(f"resource '{sid}' is not HA managed")
    if call.need("node") != call.node.name:
        raise failure(f"no such cluster node '{call.need('node')}'")
    raise failure(f"cannot {doing} resource '{sid}' to node '{call.node.name}': it is there already")


@route("POST", "/cluster/ha/resources/{sid}/migrate")
def migrate_resource(call: Call) -> None:
    """There is nowhere to go."""
    _crm(call, "migrate")


@route("POST", "/cluster/ha/resources/{sid}/relocate")
def relocate_resource(call: Call) -> None:
    """There is nowhere to go."""
    _crm(call, "relocate")


@route("POST", "/cluster/ha/status/arm-ha")
@route("POST", "/cluster/ha/status/disarm-ha")
def arm(call: Call) -> None:
    """Nothing watches over anything."""
