"""Security groups of the cluster: rules under a name that rules of other firewalls take the place of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.embedded.node import firewall
from harness.embedded.node.errors import bad_parameters, failure
from harness.embedded.node.firewall import Firewall, Item, Rules
from harness.embedded.node.routes import firewall_paths as paths
from harness.embedded.node.routing import Call

_GROUPS = (f"{paths.CLUSTER}/groups",)


def _listed(found: Firewall) -> list[dict[str, Any]]:
    return [{**paths.comment(group), "group": name} for name, group in sorted(found.groups.items())]


@paths.serves("GET", "", _GROUPS)
def list_groups(call: Call) -> list[dict[str, Any]]:
    """The groups."""
    return paths.digested(_listed(paths.load(call)))


@paths.serves("POST", "", _GROUPS)
def create_group(call: Call) -> None:
    """Make a group, rename one, or change its comment."""
    found, name, old = paths.load(call), call.need("group"), call.get("rename")
    if old is None:
        if name in found.groups:
            raise bad_parameters(group=f"Security group '{name}' already exists")
        _put(call, found, name, {"rules": []})
        return
    firewall.check_digest(call.get("digest"), firewall.sha1(_listed(found)))
    _check_rename(found, name, old)
    kept = {key: value for key, value in found.groups.items() if key != old}
    _put(call, replace(found, groups=kept), name, found.groups[old])
    if name != old:
        _rename_everywhere(call, old, name)


def _check_rename(found: Firewall, name: str, old: str) -> None:
    if old not in found.groups:
        raise bad_parameters(group=f"Security group '{old}' does not exist")
    if name in found.groups and name != old:
        raise bad_parameters(group=f"Security group '{name}' does already exist")


def _put(call: Call, found: Firewall, name: str, group: Item) -> None:
    """Write a group; PVE reads names back in lower case, and what is there under that name wins."""
    given = call.get("comment")
    changed = group if given is None else {**group, "comment": given}
    paths.save(call, replace(found, groups={name.lower(): changed, **found.groups}))


def _rename_everywhere(call: Call, old: str, name: str) -> None:
    """Have the rules of all firewalls name the group by its new name."""
    for key in firewall.keys(call.node):
        found = firewall.load(call.node, key)
        firewall.save(call.node, key, replace(found, rules=_renamed(found.rules, old, name)))


def _renamed(rules: Rules, old: str, name: str) -> Rules:
    return tuple(
        {**rule, "action": name} if rule["type"] == "group" and rule["action"] == old else rule for rule in rules
    )


@paths.serves("DELETE", "/{group}", _GROUPS)
def delete_group(call: Call) -> None:
    """Remove a group without rules; rules that name it stay."""
    found, name = paths.load(call), call.need("group")
    if found.group_rules(name):
        raise failure(f"Security group '{name}' is not empty")
    paths.save(call, replace(found, groups={key: value for key, value in found.groups.items() if key != name}))
