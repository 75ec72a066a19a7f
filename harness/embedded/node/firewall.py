"""A container's firewall as a record: options, rules, address sets and aliases are kept and never enforced."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.embedded.node.errors import failure
from harness.embedded.node.guests import modified
from harness.embedded.node.node import Node

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Firewall:
    """The firewall of one container; rules are in the order in which they would apply."""

    options: Item = field(default_factory=dict)
    rules: tuple[Item, ...] = ()
    sets: Mapping[str, Item] = field(default_factory=dict)
    aliases: Mapping[str, Item] = field(default_factory=dict)

    @property
    def rules_digest(self) -> str:
        """SHA-1 of the rules."""
        return sha1(self.rules)

    def rule(self, position: int) -> Item:
        """The rule at a position; raises PVE's 500 when there is none."""
        if position >= len(self.rules):
            raise failure(f"no rule at position {position}")
        return self.rules[position]

    def moved(self, position: int, target: int) -> Firewall:
        """With a rule put before that at ``target``."""
        rule = self.rule(position)
        before = [r for i, r in enumerate(self.rules[:target]) if i != position]
        after = [r for i, r in enumerate(self.rules[target:], target) if i != position]
        return replace(self, rules=(*before, rule, *after))


def sha1(value: Any) -> str:
    """PVE's kind of digest; that of nothing is the digest of an empty file."""
    text = json.dumps(value, sort_keys=True) if value else ""
    return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324  # PVE's digest, not a protection


def check_digest(wanted: str | None, present: str) -> None:
    """Raise PVE's 500 when the caller has seen something else."""
    if wanted and wanted != present:
        raise modified()


def load(node: Node, vmid: int) -> Firewall:
    """The firewall of a container, empty when nothing was set; the container need not exist."""
    record = node.store.table("firewall").get(str(vmid))
    if record is None:
        return Firewall()
    return Firewall(record["options"], tuple(record["rules"]), record["sets"], record["aliases"])


def save(node: Node, vmid: int, firewall: Firewall) -> None:
    """Write the firewall of a container."""
    record = {"options": firewall.options, "rules": list(firewall.rules)}
    node.store.table("firewall").put(str(vmid), {**record, "sets": firewall.sets, "aliases": firewall.aliases})
