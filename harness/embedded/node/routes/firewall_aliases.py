"""Names for addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.embedded.node import firewall
from harness.embedded.node.errors import bad_parameters
from harness.embedded.node.firewall import Firewall
from harness.embedded.node.grammar import firewall_formats
from harness.embedded.node.routes import firewall_paths as paths
from harness.embedded.node.routing import Call


def _aliases(found: Firewall) -> list[dict[str, Any]]:
    """The aliases by their names in lower case, which is what they are told apart by."""
    return [dict(alias) for _, alias in sorted(found.aliases.items())]


@paths.serves("GET", "/aliases", paths.NAMED)
def list_aliases(call: Call) -> list[dict[str, Any]]:
    """The aliases."""
    return paths.digested(_aliases(paths.load(call)))


def _alias(call: Call, name: str) -> dict[str, Any]:
    comment, cidr = call.get("comment"), firewall_formats.short(call.need("cidr"))
    known = {"name": name, "cidr": cidr, "ipversion": 6 if ":" in cidr else 4}
    return {**known, "comment": comment} if comment else known


@paths.serves("POST", "/aliases", paths.NAMED)
def create_alias(call: Call) -> None:
    """Name an address."""
    found, name = paths.load(call), call.need("name")
    if name.lower() in found.aliases:
        raise bad_parameters(name=f"alias '{name}' already exists")
    paths.save(call, replace(found, aliases={**found.aliases, name.lower(): _alias(call, name)}))


def _need_alias(call: Call) -> Mapping[str, Any]:
    found = paths.load(call).aliases.get(call.need("name").lower())
    if found is None:
        raise bad_parameters(name="no such alias")
    return found


@paths.serves("GET", "/aliases/{name}", paths.NAMED)
def get_alias(call: Call) -> dict[str, Any]:
    """One alias."""
    return dict(_need_alias(call))


@paths.serves("PUT", "/aliases/{name}", paths.NAMED)
def update_alias(call: Call) -> None:
    """Change an alias, or rename it."""
    found, name = paths.load(call), call.need("name")
    firewall.check_digest(call.get("digest"), firewall.sha1(_aliases(found)))
    _need_alias(call)
    new = call.get("rename") or name
    if new.lower() != name.lower() and new.lower() in found.aliases:
        raise bad_parameters(name=f"alias '{new}' already exists")
    kept = {key: value for key, value in found.aliases.items() if key != name.lower()}
    paths.save(call, replace(found, aliases={**kept, new.lower(): _alias(call, new)}))


@paths.serves("DELETE", "/aliases/{name}", paths.NAMED)
def delete_alias(call: Call) -> None:
    """Remove an alias; one that is not there does no harm."""
    found = paths.load(call)
    firewall.check_digest(call.get("digest"), firewall.sha1(_aliases(found)))
    left = {key: value for key, value in found.aliases.items() if key != call.need("name").lower()}
    paths.save(call, replace(found, aliases=left))
