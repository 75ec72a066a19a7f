"""A firewall as a record: options, rules, address sets, aliases and groups are kept and never enforced.

There is one of the cluster, one of the node and one of each container; only the cluster's has security groups, and
the node's has neither sets nor aliases.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.embedded.node.errors import failure
from harness.embedded.node.guests import modified
from harness.embedded.node.node import Node

Item = Mapping[str, Any]
Rules = tuple[Item, ...]
CLUSTER, HOST = "cluster", "host"
"""The keys of the firewalls that are no container's; those have the container's number."""


@dataclass(frozen=True)
class Firewall:
    """One firewall; rules are in the order in which they would apply."""

    options: Item = field(default_factory=dict)
    rules: Rules = ()
    sets: Mapping[str, Item] = field(default_factory=dict)
    aliases: Mapping[str, Item] = field(default_factory=dict)
    groups: Mapping[str, Item] = field(default_factory=dict)

    def group_rules(self, name: str) -> Rules:
        """The rules of a security group; raises PVE's 500 when there is none of that name."""
        found = self.groups.get(name)
        if found is None:
            raise failure(f"no such security group '{name}'")
        return tuple(found["rules"])


def rule_at(rules: Rules, position: int) -> Item:
    """The rule at a position; raises PVE's 500 when there is none."""
    if position >= len(rules):
        raise failure(f"no rule at position {position}")
    return rules[position]


def moved(rules: Rules, position: int, target: int) -> Rules:
    """The rules, one of them put before that at ``target``."""
    rule = rule_at(rules, position)
    before = [r for i, r in enumerate(rules[:target]) if i != position]
    after = [r for i, r in enumerate(rules[target:], target) if i != position]
    return (*before, rule, *after)


def sha1(value: Any) -> str:
    """PVE's kind of digest; that of nothing is the digest of an empty file."""
    text = json.dumps(value, sort_keys=True) if value else ""
    return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324  # PVE's digest, not a protection


def check_digest(wanted: str | None, present: str) -> None:
    """Raise PVE's 500 when the caller has seen something else."""
    if wanted and wanted != present:
        raise modified()


def load(node: Node, key: str) -> Firewall:
    """The firewall of that key, empty when nothing was set; a container need not exist."""
    record = node.store.table("firewall").get(key)
    if record is None:
        return Firewall()
    rules, groups = tuple(record["rules"]), record.get("groups", {})
    return Firewall(record["options"], rules, record["sets"], record["aliases"], groups)


def save(node: Node, key: str, firewall: Firewall) -> None:
    """Write the firewall of that key."""
    record = {"options": firewall.options, "rules": list(firewall.rules), "groups": firewall.groups}
    node.store.table("firewall").put(key, {**record, "sets": firewall.sets, "aliases": firewall.aliases})


def copy(node: Node, source: int, target: int) -> None:
    """Give a clone the firewall of its source in place of what lies there under its number."""
    table = node.store.table("firewall")
    record = table.get(str(source))
    if record is None:
        table.delete(str(target))
    else:
        table.put(str(target), record)


def keys(node: Node) -> list[str]:
    """The keys of all firewalls in which something was set."""
    return list(node.store.table("firewall"))
