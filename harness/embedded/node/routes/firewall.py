"""The firewall of a container: kept and listed, not enforced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.embedded.node import firewall
from harness.embedded.node.errors import bad_parameters, failure
from harness.embedded.node.firewall import Firewall
from harness.embedded.node.formats import split_list
from harness.embedded.node.routing import Call, route

_BASE = "/nodes/{node}/lxc/{vmid}/firewall"
_CONTROL = frozenset(("node", "vmid", "digest", "delete", "pos", "moveto", "name", "rename", "cidr"))
_NUMBERS = frozenset(("enable", "dhcp", "ipfilter", "macfilter", "ndp", "radv", "nomatch"))
_PORT_PROTOCOLS = ("dport", "sport")


def _fields(call: Call) -> dict[str, Any]:
    given = {key: value for key, value in call.params.items() if key not in _CONTROL and value is not None}
    return {key: int(value) if key in _NUMBERS else value for key, value in given.items()}


def _load(call: Call) -> Firewall:
    return firewall.load(call.node, call.vmid)


def _save(call: Call, changed: Firewall) -> None:
    firewall.save(call.node, call.vmid, changed)


@route("GET", _BASE)
def index(call: Call) -> list[dict[str, str]]:
    """What there is of a firewall."""
    call.node.guests.load(call.vmid)
    return [{"name": name} for name in ("rules", "aliases", "ipset", "refs", "options", "log")]


@route("GET", f"{_BASE}/options")
def get_options(call: Call) -> dict[str, Any]:
    """The options that are set."""
    options = _load(call).options
    return {**options, "digest": firewall.sha1(options)}


@route("PUT", f"{_BASE}/options")
def set_options(call: Call) -> None:
    """Set or delete options."""
    found = _load(call)
    firewall.check_digest(call.get("digest"), firewall.sha1(found.options))
    removed = split_list(call.get("delete") or "")
    kept = {key: value for key, value in found.options.items() if key not in removed}
    _save(call, replace(found, options={**kept, **_fields(call)}))


@route("GET", f"{_BASE}/rules")
def list_rules(call: Call) -> list[dict[str, Any]]:
    """The rules with their positions."""
    found = _load(call)
    digest = found.rules_digest
    return [{**rule, "pos": position, "digest": digest} for position, rule in enumerate(found.rules)]


@route("GET", f"{_BASE}/rules/{{pos}}")
def get_rule(call: Call) -> dict[str, Any]:
    """One rule."""
    found, position = _load(call), call.number("pos", 0)
    return {**found.rule(position), "pos": position, "digest": found.rules_digest}


@route("POST", f"{_BASE}/rules")
def create_rule(call: Call) -> None:
    """Add a rule in front of all others, or at a position."""
    found = _load(call)
    firewall.check_digest(call.get("digest"), found.rules_digest)
    rule = {"enable": 0, **_fields(call)}
    _check_rule(rule)
    place = min(call.number("pos", 0), len(found.rules))
    _save(call, replace(found, rules=(*found.rules[:place], rule, *found.rules[place:])))


def _check_rule(rule: Mapping[str, Any]) -> None:
    for name in _PORT_PROTOCOLS:
        if rule.get(name) and not rule.get("proto") and not rule.get("macro"):
            raise bad_parameters(proto=f"missing property - '{name}' requires this property")


@route("PUT", f"{_BASE}/rules/{{pos}}")
def update_rule(call: Call) -> None:
    """Change a rule, or move it."""
    found, position = _load(call), call.number("pos", 0)
    firewall.check_digest(call.get("digest"), found.rules_digest)
    rule = found.rule(position)
    if call.get("moveto") is not None:
        _save(call, found.moved(position, call.number("moveto", 0)))
        return
    removed = split_list(call.get("delete") or "")
    changed = {**{key: value for key, value in rule.items() if key not in removed}, **_fields(call)}
    _check_rule(changed)
    _save(call, replace(found, rules=(*found.rules[:position], changed, *found.rules[position + 1 :])))


@route("DELETE", f"{_BASE}/rules/{{pos}}")
def delete_rule(call: Call) -> None:
    """Remove a rule."""
    found, position = _load(call), call.number("pos", 0)
    firewall.check_digest(call.get("digest"), found.rules_digest)
    found.rule(position)
    _save(call, replace(found, rules=(*found.rules[:position], *found.rules[position + 1 :])))


@route("GET", f"{_BASE}/ipset")
def list_sets(call: Call) -> list[dict[str, Any]]:
    """The address sets."""
    return [
        {**_comment(found), "name": name, "digest": firewall.sha1(found)} for name, found in _load(call).sets.items()
    ]


def _comment(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"comment": item["comment"]} if item.get("comment") else {}


@route("POST", f"{_BASE}/ipset")
def create_set(call: Call) -> None:
    """Make an address set, or rename one."""
    found, name, old = _load(call), call.need("name"), call.get("rename")
    if old is not None and old not in found.sets:
        raise failure(f"IPSet '{old}' does not exist")
    if old is None and name in found.sets:
        raise failure(f"IPSet '{name}' already exists")
    before = found.sets[old] if old is not None else {"entries": {}}
    kept = {key: value for key, value in found.sets.items() if key != old}
    _save(call, replace(found, sets={**kept, name: {**before, **_fields(call)}}))


def _need_set(call: Call) -> Mapping[str, Any]:
    name = call.need("name")
    found = _load(call).sets.get(name)
    if found is None:
        raise failure(f"no such IPSet '{name}'")
    return found


def _put_set(call: Call, changed: Mapping[str, Any]) -> None:
    found = _load(call)
    _save(call, replace(found, sets={**found.sets, call.need("name"): changed}))


@route("DELETE", f"{_BASE}/ipset/{{name}}")
def delete_set(call: Call) -> None:
    """Remove an empty address set, or any with ``force``."""
    found = _load(call)
    if call.need("name") in found.sets and _need_set(call)["entries"] and not call.flag("force"):
        raise failure(f"IPSet '{call.need('name')}' is not empty")
    _save(call, replace(found, sets={k: v for k, v in found.sets.items() if k != call.need("name")}))


@route("GET", f"{_BASE}/ipset/{{name}}")
def list_entries(call: Call) -> list[dict[str, Any]]:
    """The addresses of a set."""
    entries = _need_set(call)["entries"]
    return [{**entry, "cidr": cidr, "digest": firewall.sha1(entries)} for cidr, entry in entries.items()]


@route("POST", f"{_BASE}/ipset/{{name}}")
def create_entry(call: Call) -> None:
    """Add an address to a set."""
    found, cidr = _need_set(call), call.need("cidr")
    if cidr in found["entries"]:
        raise bad_parameters(cidr=f"address '{cidr}' already exists")
    _put_set(call, {**found, "entries": {**found["entries"], cidr: _fields(call)}})


def _need_entry(call: Call) -> Mapping[str, Any]:
    found = _need_set(call)
    if call.need("cidr") not in found["entries"]:
        raise bad_parameters(cidr="no such IP/Network")
    return found


@route("GET", f"{_BASE}/ipset/{{name}}/{{cidr}}")
def get_entry(call: Call) -> dict[str, Any]:
    """One address of a set."""
    entries = _need_entry(call)["entries"]
    return {**entries[call.need("cidr")], "cidr": call.need("cidr"), "digest": firewall.sha1(entries)}


@route("PUT", f"{_BASE}/ipset/{{name}}/{{cidr}}")
def update_entry(call: Call) -> None:
    """Change an address of a set."""
    found, cidr = _need_entry(call), call.need("cidr")
    changed = {**found["entries"][cidr], **_fields(call)}
    _put_set(call, {**found, "entries": {**found["entries"], cidr: changed}})


@route("DELETE", f"{_BASE}/ipset/{{name}}/{{cidr}}")
def delete_entry(call: Call) -> None:
    """Remove an address from a set."""
    found = _need_set(call)
    left = {key: value for key, value in found["entries"].items() if key != call.need("cidr")}
    _put_set(call, {**found, "entries": left})


@route("GET", f"{_BASE}/aliases")
def list_aliases(call: Call) -> list[dict[str, Any]]:
    """The aliases."""
    found = _load(call).aliases
    return [{**alias, "name": name, "digest": firewall.sha1(found)} for name, alias in found.items()]


@route("POST", f"{_BASE}/aliases")
def create_alias(call: Call) -> None:
    """Name an address."""
    found, name = _load(call), call.need("name")
    if name in found.aliases:
        raise bad_parameters(name=f"alias '{name}' already exists")
    alias = {"cidr": call.need("cidr"), **_fields(call)}
    _save(call, replace(found, aliases={**found.aliases, name: alias}))


def _need_alias(call: Call) -> Mapping[str, Any]:
    found = _load(call).aliases.get(call.need("name"))
    if found is None:
        raise bad_parameters(name="no such alias")
    return found


@route("GET", f"{_BASE}/aliases/{{name}}")
def get_alias(call: Call) -> dict[str, Any]:
    """One alias."""
    return {**_need_alias(call), "name": call.need("name"), "digest": firewall.sha1(_load(call).aliases)}


@route("PUT", f"{_BASE}/aliases/{{name}}")
def update_alias(call: Call) -> None:
    """Change an alias, or rename it."""
    found, name = _load(call), call.need("name")
    changed = {**_need_alias(call), "cidr": call.need("cidr"), **_fields(call)}
    kept = {key: value for key, value in found.aliases.items() if key != name}
    _save(call, replace(found, aliases={**kept, call.get("rename") or name: changed}))


@route("DELETE", f"{_BASE}/aliases/{{name}}")
def delete_alias(call: Call) -> None:
    """Remove an alias."""
    found = _load(call)
    _save(call, replace(found, aliases={k: v for k, v in found.aliases.items() if k != call.need("name")}))


@route("GET", f"{_BASE}/refs")
def list_references(call: Call) -> list[dict[str, Any]]:
    """What rules may refer to."""
    found, kind = _load(call), call.get("type")
    sets = [
        {**_comment(s), "name": n, "ref": f"+{n}", "scope": "guest", "type": "ipset"} for n, s in found.sets.items()
    ]
    names = [{**_comment(a), "name": n, "ref": n, "scope": "guest", "type": "alias"} for n, a in found.aliases.items()]
    return [item for item in (*sets, *names) if kind in (None, item["type"])]


@route("GET", f"{_BASE}/log")
def firewall_log(call: Call) -> list[dict[str, Any]]:
    """Nothing is filtered, so nothing is logged."""
    call.node.guests.load(call.vmid)
    return [{"n": 1, "t": "no content"}]


@route("GET", "/cluster/firewall/options")
def cluster_options(call: Call) -> dict[str, Any]:  # noqa: ARG001 - a handler's signature
    """The cluster's firewall is off."""
    return {"enable": 0, "digest": firewall.sha1({})}
