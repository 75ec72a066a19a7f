"""Rules of firewalls and of security groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.embedded.node import firewall, firewall_rules
from harness.embedded.node.firewall import Rules
from harness.embedded.node.routes import firewall_paths as paths
from harness.embedded.node.routing import Call

_LISTS = (*(f"{base}/rules" for base in paths.ALL), f"{paths.CLUSTER}/groups/{{group}}")


def _rules(call: Call) -> Rules:
    group, found = call.get("group"), paths.load(call)
    return found.rules if group is None else found.group_rules(group)


def _save(call: Call, rules: Rules) -> None:
    group, found = call.get("group"), paths.load(call)
    if group is None:
        paths.save(call, replace(found, rules=rules))
    else:
        changed = {**found.groups[group], "rules": list(rules)}
        paths.save(call, replace(found, groups={**found.groups, group: changed}))


@paths.serves("GET", "", _LISTS)
def list_rules(call: Call) -> list[dict[str, Any]]:
    """The rules with their positions."""
    rules = _rules(call)
    digest = firewall.sha1(rules)
    return [{**rule, "pos": position, "digest": digest} for position, rule in enumerate(rules)]


@paths.serves("GET", "/{pos}", _LISTS)
def get_rule(call: Call) -> dict[str, Any]:
    """One rule."""
    rules, position = _rules(call), call.number("pos", 0)
    return {**firewall.rule_at(rules, position), "pos": position, "digest": firewall.sha1(rules)}


@paths.serves("POST", "", _LISTS)
def create_rule(call: Call) -> None:
    """Add a rule in front of all others: a position that is given plays no part."""
    rules = _rules(call)
    rule = {"enable": 0, **firewall_rules.written({}, call.params)}
    _save(call, (firewall_rules.verified(rule, paths.surroundings(call)), *rules))


@paths.serves("PUT", "/{pos}", _LISTS)
def update_rule(call: Call) -> None:
    """Change a rule, or move it."""
    rules, position = _rules(call), call.number("pos", 0)
    firewall.check_digest(call.get("digest"), firewall.sha1(rules))
    rule, target = firewall.rule_at(rules, position), call.number("moveto", position)
    if target != position:
        _save(call, firewall.moved(rules, position, target))
        return
    changed = firewall_rules.without(firewall_rules.written(rule, call.params), call.get("delete") or "")
    checked = firewall_rules.verified(changed, paths.surroundings(call))
    _save(call, (*rules[:position], checked, *rules[position + 1 :]))


@paths.serves("DELETE", "/{pos}", _LISTS)
def delete_rule(call: Call) -> None:
    """Remove a rule."""
    rules, position = _rules(call), call.number("pos", 0)
    firewall.check_digest(call.get("digest"), firewall.sha1(rules))
    firewall.rule_at(rules, position)
    _save(call, (*rules[:position], *rules[position + 1 :]))
