"""Address sets of firewalls, and what is in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.embedded.node import firewall
from harness.embedded.node.errors import bad_parameters, failure
from harness.embedded.node.firewall import Firewall
from harness.embedded.node.grammar import firewall_formats
from harness.embedded.node.routes import firewall_paths as paths
from harness.embedded.node.routing import Call


@paths.serves("GET", "/ipset", paths.NAMED)
def list_sets(call: Call) -> list[dict[str, Any]]:
    """The address sets."""
    return paths.digested(_listed(paths.load(call)))


def _listed(found: Firewall) -> list[dict[str, Any]]:
    return [{**paths.comment(item), "name": name} for name, item in sorted(found.sets.items())]


@paths.serves("POST", "/ipset", paths.NAMED)
def create_set(call: Call) -> None:
    """Make an address set, rename one, or change its comment."""
    found, name, old = paths.load(call), call.need("name"), call.get("rename")
    if old is None and name in found.sets:
        raise bad_parameters(name=f"IPSet '{name}' already exists")
    if old is not None:
        firewall.check_digest(call.get("digest"), firewall.sha1(_listed(found)))
        _check_rename(found, name, old)
    before = found.sets[old] if old is not None else {"entries": {}}
    kept = {key: value for key, value in found.sets.items() if key != old}
    # PVE reads names back in lower case, and what is there under that name wins.
    paths.save(call, replace(found, sets={name.lower(): {**before, **_fields(call)}, **kept}))


def _fields(call: Call) -> dict[str, Any]:
    given = {name: call.params[name] for name in ("comment", "nomatch") if call.params.get(name) is not None}
    return {name: int(value) if name == "nomatch" else value for name, value in given.items()}


def _check_rename(found: Firewall, name: str, old: str) -> None:
    if old not in found.sets:
        raise bad_parameters(name=f"IPSet '{old}' does not exists")
    if name in found.sets and name != old:
        raise bad_parameters(name=f"IPSet '{name}' does already exist")


def _need_set(call: Call) -> Mapping[str, Any]:
    name = call.need("name")
    found = paths.load(call).sets.get(name)
    if found is None:
        raise failure(f"no such IPSet '{name}'")
    return found


def _put_set(call: Call, changed: Mapping[str, Any]) -> None:
    found = paths.load(call)
    paths.save(call, replace(found, sets={**found.sets, call.need("name"): changed}))


@paths.serves("DELETE", "/ipset/{name}", paths.NAMED)
def delete_set(call: Call) -> None:
    """Remove an empty address set, or any with ``force``."""
    found, name = paths.load(call), call.need("name")
    if _need_set(call)["entries"] and not call.flag("force"):
        raise failure(f"IPSet '{name}' is not empty")
    paths.save(call, replace(found, sets={key: value for key, value in found.sets.items() if key != name}))


def _entries(call: Call) -> list[dict[str, Any]]:
    """The addresses of a set, the newest first."""
    entries = _need_set(call)["entries"]
    return paths.digested([{**entry, "cidr": cidr} for cidr, entry in reversed(entries.items())])


@paths.serves("GET", "/ipset/{name}", paths.NAMED)
def list_entries(call: Call) -> list[dict[str, Any]]:
    """The addresses of a set."""
    return _entries(call)


@paths.serves("POST", "/ipset/{name}", paths.NAMED)
def create_entry(call: Call) -> None:
    """Add an address to a set."""
    found, cidr = _need_set(call), firewall_formats.short(call.need("cidr"))
    if cidr in found["entries"]:
        raise bad_parameters(cidr=f"address '{cidr}' already exists")
    if re.search(r"/0+$", cidr):
        raise bad_parameters(cidr="a zero prefix is not allowed in ipset entries")
    alias = firewall_formats.alias_of(cidr)
    if alias is not None and paths.surroundings(call).alias(alias) is None:
        raise failure(f"no such alias '{cidr}'")
    entry = {key: value for key, value in _fields(call).items() if value}
    _put_set(call, {**found, "entries": {**found["entries"], cidr: entry}})


def _need_entry(call: Call) -> dict[str, Any]:
    for entry in _entries(call):
        if entry["cidr"] == call.need("cidr"):
            return entry
    raise bad_parameters(cidr="no such IP/Network")


@paths.serves("GET", "/ipset/{name}/{cidr}", paths.NAMED)
def get_entry(call: Call) -> dict[str, Any]:
    """One address of a set."""
    return _need_entry(call)


@paths.serves("PUT", "/ipset/{name}/{cidr}", paths.NAMED)
def update_entry(call: Call) -> None:
    """Say anew what an address of a set is: what is not given is gone."""
    found, cidr = _need_set(call), call.need("cidr")
    firewall.check_digest(call.get("digest"), _digest_of(_entries(call)))
    _need_entry(call)
    _put_set(call, {**found, "entries": {**found["entries"], cidr: _fields(call)}})


def _digest_of(items: list[dict[str, Any]]) -> str:
    return str(items[0]["digest"]) if items else firewall.sha1([])


@paths.serves("DELETE", "/ipset/{name}/{cidr}", paths.NAMED)
def delete_entry(call: Call) -> None:
    """Remove an address from a set; one that is not there does no harm."""
    found = _need_set(call)
    firewall.check_digest(call.get("digest"), _digest_of(_entries(call)))
    left = {key: value for key, value in found["entries"].items() if key != call.need("cidr")}
    _put_set(call, {**found, "entries": left})
