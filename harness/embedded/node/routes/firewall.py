"""The firewall of a container: kept and listed, not enforced."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.embedded.node import firewall, firewall_rules
from harness.embedded.node.errors import bad_parameters, failure
from harness.embedded.node.firewall import Firewall
from harness.embedded.node.grammar.formats import split_list
from harness.embedded.node.routing import Call, Result, route

_BASE = "/nodes/{node}/lxc/{vmid}/firewall"
_CONTROL = frozenset(("node", "vmid", "digest", "delete", "pos", "moveto", "name", "rename", "cidr"))
_FLAGS = ("enable", "dhcp", "ipfilter", "macfilter", "ndp", "radv")
_NUMBERS = frozenset((*_FLAGS, "nomatch"))
_OPTIONS = frozenset((*_FLAGS, "policy_in", "policy_out", "log_level_in", "log_level_out"))


def _fields(call: Call) -> dict[str, Any]:
    given = {key: value for key, value in call.params.items() if key not in _CONTROL and value is not None}
    return {key: int(value) if key in _NUMBERS else value for key, value in given.items()}


def _load(call: Call) -> Firewall:
    return firewall.load(call.node, call.vmid)


def _save(call: Call, changed: Firewall) -> None:
    firewall.save(call.node, call.vmid, changed)


@route("GET", _BASE)
def index(call: Call) -> list[dict[str, str]]:  # noqa: ARG001 - a handler's signature
    """What there is of a firewall, whether or not the container is there."""
    return [{"name": name} for name in ("rules", "aliases", "ipset", "refs", "options")]


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
    unknown = next((name for name in removed if name not in _OPTIONS), None)
    if unknown is not None:
        raise bad_parameters(delete=f"no such option '{unknown}'")
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
    """Add a rule in front of all others: a position that is given plays no part."""
    found = _load(call)
    rule = {"enable": 0, **firewall_rules.written({}, call.params)}
    _save(call, replace(found, rules=(firewall_rules.verified(rule, found), *found.rules)))


@route("PUT", f"{_BASE}/rules/{{pos}}")
def update_rule(call: Call) -> None:
    """Change a rule, or move it."""
    found, position = _load(call), call.number("pos", 0)
    firewall.check_digest(call.get("digest"), found.rules_digest)
    rule, target = found.rule(position), call.number("moveto", position)
    if target != position:
        _save(call, found.moved(position, target))
        return
    changed = firewall_rules.without(firewall_rules.written(rule, call.params), call.get("delete") or "")
    checked = firewall_rules.verified(changed, found)
    _save(call, replace(found, rules=(*found.rules[:position], checked, *found.rules[position + 1 :])))


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
    return _digested(_listed(_load(call)))


def _listed(found: Firewall) -> list[dict[str, Any]]:
    return [{**_comment(item), "name": name} for name, item in sorted(found.sets.items())]


def _digested(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each item of a list with the digest of all of them."""
    digest = firewall.sha1(items)
    return [{**item, "digest": digest} for item in items]


def _comment(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"comment": item["comment"]} if item.get("comment") else {}


@route("POST", f"{_BASE}/ipset")
def create_set(call: Call) -> None:
    """Make an address set, rename one, or change its comment."""
    found, name, old = _load(call), call.need("name"), call.get("rename")
    if old is None and name in found.sets:
        raise bad_parameters(name=f"IPSet '{name}' already exists")
    if old is not None:
        firewall.check_digest(call.get("digest"), firewall.sha1(_listed(found)))
        _check_rename(found, name, old)
    before = found.sets[old] if old is not None else {"entries": {}}
    kept = {key: value for key, value in found.sets.items() if key != old}
    _save(call, replace(found, sets={**kept, name: {**before, **_fields(call)}}))


def _check_rename(found: Firewall, name: str, old: str) -> None:
    if old not in found.sets:
        raise bad_parameters(name=f"IPSet '{old}' does not exists")
    if name in found.sets and name != old:
        raise bad_parameters(name=f"IPSet '{name}' does already exist")


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
    found, name = _load(call), call.need("name")
    if _need_set(call)["entries"] and not call.flag("force"):
        raise failure(f"IPSet '{name}' is not empty")
    _save(call, replace(found, sets={key: value for key, value in found.sets.items() if key != name}))


def _entries(call: Call) -> list[dict[str, Any]]:
    """The addresses of a set, the newest first."""
    entries = _need_set(call)["entries"]
    return _digested([{**entry, "cidr": cidr} for cidr, entry in reversed(entries.items())])


@route("GET", f"{_BASE}/ipset/{{name}}")
def list_entries(call: Call) -> list[dict[str, Any]]:
    """The addresses of a set."""
    return _entries(call)


@route("POST", f"{_BASE}/ipset/{{name}}")
def create_entry(call: Call) -> None:
    """Add an address to a set."""
    found, cidr = _need_set(call), _short(call.need("cidr"))
    if cidr in found["entries"]:
        raise bad_parameters(cidr=f"address '{cidr}' already exists")
    if re.search(r"/0+$", cidr):
        raise bad_parameters(cidr="a zero prefix is not allowed in ipset entries")
    if cidr[0].isalpha() and ":" not in cidr and cidr.lower() not in _load(call).aliases:
        raise failure(f"no such alias '{cidr}'")
    entry = {key: value for key, value in _fields(call).items() if value}
    _put_set(call, {**found, "entries": {**found["entries"], cidr: entry}})


def _need_entry(call: Call) -> dict[str, Any]:
    for entry in _entries(call):
        if entry["cidr"] == call.need("cidr"):
            return entry
    raise bad_parameters(cidr="no such IP/Network")


@route("GET", f"{_BASE}/ipset/{{name}}/{{cidr}}")
def get_entry(call: Call) -> dict[str, Any]:
    """One address of a set."""
    return _need_entry(call)


@route("PUT", f"{_BASE}/ipset/{{name}}/{{cidr}}")
def update_entry(call: Call) -> None:
    """Say anew what an address of a set is: what is not given is gone."""
    found, cidr = _need_set(call), call.need("cidr")
    firewall.check_digest(call.get("digest"), _digest_of(_entries(call)))
    _need_entry(call)
    _put_set(call, {**found, "entries": {**found["entries"], cidr: _fields(call)}})


def _digest_of(items: list[dict[str, Any]]) -> str:
    return str(items[0]["digest"]) if items else firewall.sha1([])


@route("DELETE", f"{_BASE}/ipset/{{name}}/{{cidr}}")
def delete_entry(call: Call) -> None:
    """Remove an address from a set; one that is not there does no harm."""
    found = _need_set(call)
    firewall.check_digest(call.get("digest"), _digest_of(_entries(call)))
    left = {key: value for key, value in found["entries"].items() if key != call.need("cidr")}
    _put_set(call, {**found, "entries": left})


def _aliases(found: Firewall) -> list[dict[str, Any]]:
    """The aliases by their names in lower case, which is what they are told apart by."""
    return [dict(alias) for _, alias in sorted(found.aliases.items())]


@route("GET", f"{_BASE}/aliases")
def list_aliases(call: Call) -> list[dict[str, Any]]:
    """The aliases."""
    return _digested(_aliases(_load(call)))


def _alias(call: Call, name: str) -> dict[str, Any]:
    comment, cidr = call.get("comment"), _short(call.need("cidr"))
    known = {"name": name, "cidr": cidr, "ipversion": 6 if ":" in cidr else 4}
    return {**known, "comment": comment} if comment else known


def _short(cidr: str) -> str:
    """An address as PVE writes it: a prefix that covers all of it is left out."""
    return cidr.removesuffix("/128" if ":" in cidr else "/32")


@route("POST", f"{_BASE}/aliases")
def create_alias(call: Call) -> None:
    """Name an address."""
    found, name = _load(call), call.need("name")
    if name.lower() in found.aliases:
        raise bad_parameters(name=f"alias '{name}' already exists")
    _save(call, replace(found, aliases={**found.aliases, name.lower(): _alias(call, name)}))


def _need_alias(call: Call) -> Mapping[str, Any]:
    found = _load(call).aliases.get(call.need("name").lower())
    if found is None:
        raise bad_parameters(name="no such alias")
    return found


@route("GET", f"{_BASE}/aliases/{{name}}")
def get_alias(call: Call) -> dict[str, Any]:
    """One alias."""
    return dict(_need_alias(call))


@route("PUT", f"{_BASE}/aliases/{{name}}")
def update_alias(call: Call) -> None:
    """Change an alias, or rename it."""
    found, name = _load(call), call.need("name")
    firewall.check_digest(call.get("digest"), firewall.sha1(_aliases(found)))
    _need_alias(call)
    new = call.get("rename") or name
    if new.lower() != name.lower() and new.lower() in found.aliases:
        raise bad_parameters(name=f"alias '{new}' already exists")
    kept = {key: value for key, value in found.aliases.items() if key != name.lower()}
    _save(call, replace(found, aliases={**kept, new.lower(): _alias(call, new)}))


@route("DELETE", f"{_BASE}/aliases/{{name}}")
def delete_alias(call: Call) -> None:
    """Remove an alias; one that is not there does no harm."""
    found = _load(call)
    firewall.check_digest(call.get("digest"), firewall.sha1(_aliases(found)))
    left = {key: value for key, value in found.aliases.items() if key != call.need("name").lower()}
    _save(call, replace(found, aliases=left))


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
def firewall_log(call: Call) -> Result:  # noqa: ARG001 - a handler's signature
    """Nothing is filtered, so nothing is logged."""
    return Result([{"n": 1, "t": "no content"}], {"total": 1})
