"""Whether a firewall rule makes sense, fault by fault in PVE's order (``PVE::Firewall``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.embedded.node.errors import ApiError, failure, invalid
from harness.embedded.node.firewall import Firewall
from harness.embedded.node.grammar import firewall_formats
from harness.embedded.node.grammar.formats import split_list

NUMBERS = frozenset(("enable",))
_FIELDS = frozenset(("type", "action", "macro", "iface", "source", "dest", "proto", "enable", "log", "sport", "dport"))
_FIELDS |= {"comment", "icmp-type", "pos", "digest"}
_ACTIONS = ("ACCEPT", "DROP", "REJECT")
_MIXED = "detected mixed ipv4/ipv6 addresses in rule"
_ICMP = {"icmp": 4, "icmpv6": 6, "ipv6-icmp": 6}
_MACROS = {name.lower(): name for name in firewall_formats.MACROS}
Rule = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a rule stands in: ``kind`` is ``ct``, ``host``, ``cluster`` or ``group``; names are looked up in ``own``
    first, then in ``cluster``.
    """

    kind: str
    own: Firewall
    cluster: Firewall

    def has_set(self, name: str) -> bool:
        """Whether there is an address set of that name."""
        return name in self.own.sets or name in self.cluster.sets

    def alias(self, name: str) -> Mapping[str, Any] | None:
        """The alias of that name in any case, or None."""
        return self.own.aliases.get(name.lower()) or self.cluster.aliases.get(name.lower())


def written(rule: Rule, given: Mapping[str, Any]) -> dict[str, Any]:
    """``rule`` with what a call gives; nothing and a dash take a field away."""
    changed = dict(rule)
    for name, value in given.items():
        if name not in _FIELDS or name in ("pos", "digest") or value is None:
            continue
        if value in ("", "-"):
            changed.pop(name, None)
        else:
            changed[name] = int(value) if name in NUMBERS else value
    return changed


def without(rule: Rule, names: str) -> dict[str, Any]:
    """``rule`` without the named fields; raises 400 for one that there is not or that it needs."""
    removed = split_list(names)
    for name in removed:
        if name not in _FIELDS:
            raise invalid({"delete": f"no such property ('{name}')"})
        if name in ("type", "action"):
            raise invalid({"delete": f"unable to delete required property '{name}'"})
    return {name: value for name, value in rule.items() if name not in removed}


def verified(rule: Rule, place: Surroundings) -> dict[str, Any]:
    """The rule with its macro's name as PVE writes it; raises 400 for the first fault."""
    macro = rule.get("macro")
    checked = {**rule, "macro": _MACROS.get(str(macro).lower(), macro)} if macro else dict(rule)
    _type(checked, place.kind)
    _interface(checked, place.kind)
    for check in (_macro, _destination_ports, _icmp_type, _source_ports):
        check(checked)
    version = _version(checked, place)
    checked.pop("ipversion", None)
    return {**checked, "ipversion": version} if version else checked


def _fault(name: str, text: str) -> ApiError:
    return invalid({name: text})


def _type(rule: Rule, place: str) -> None:
    kind, action = rule.get("type"), rule.get("action")
    if kind == "group" and place == "group":
        raise _fault("type", "security groups not allowed")
    if kind == "forward" and place == "ct":
        raise _fault("type", "unknown rule type 'forward'")
    if kind != "group" and action not in _ACTIONS:
        raise _fault("action", f"unknown action '{action}'")


def _interface(rule: Rule, place: str) -> None:
    name = rule.get("iface")
    if name and place == "group":
        raise _fault("type", "parameter -i not allowed for this rule type")
    if name and place == "ct" and not re.fullmatch(r"net\d+", str(name)):
        raise _fault("iface", r"value does not match the regex pattern 'net\d+'")


def _macro(rule: Rule) -> None:
    name = rule.get("macro")
    if name and str(name).lower() not in _MACROS:
        raise _fault("macro", f"unknown macro '{name}'")


def _destination_ports(rule: Rule) -> None:
    _ports(rule, "dport", firewall_formats.WITH_PORTS | {"icmp", "icmpv6"})


def _source_ports(rule: Rule) -> None:
    _ports(rule, "sport", firewall_formats.WITH_PORTS)


def _ports(rule: Rule, name: str, allowed: frozenset[str]) -> None:
    protocol = rule.get("proto")
    if not rule.get(name):
        return
    if not protocol:
        raise _fault("proto", f"missing property - '{name}' requires this property")
    if protocol not in allowed:
        raise _fault(name, f"protocol '{protocol}' does not support ports")


def _icmp_type(rule: Rule) -> None:
    kind, protocol = rule.get("icmp-type"), rule.get("proto")
    if not kind:
        return
    if protocol not in _ICMP:
        raise _fault("proto", "missing property - 'icmp-type' requires this property")
    if rule.get("dport"):
        raise _fault("icmp-type", "'icmp-type' cannot be specified together with 'dport'")
    known = firewall_formats.ICMP if protocol == "icmp" else firewall_formats.ICMP6
    if kind not in known:
        raise _fault("icmp-type", f"invalid icmp-type '{kind}' for proto '{protocol}'")


def _version(rule: Rule, place: Surroundings) -> int | None:
    """The version of IP that the rule is about, if about one; raises when about both, or when a name is unknown."""
    found = _ICMP.get(str(rule.get("proto")))
    for name in ("source", "dest"):
        text = str(rule.get(name) or "")
        version = firewall_formats.version_of(text) if text else None
        if version and found and version != found:
            raise _fault(name, _MIXED)
        found = version or found
        version = _named_version(name, text, place)
        if version and found and version != found:
            raise failure(_MIXED)  # an alias of the other version is no fault of a parameter there
        found = version or found
    return found


def _named_version(name: str, text: str, place: Surroundings) -> int | None:
    """The version of the alias that a text names; raises 400 for a set or an alias that is not there."""
    if text.startswith("+"):
        _check_set(name, text, place)
        return None
    alias = firewall_formats.alias_of(text)
    if alias is None:
        return None
    found = place.alias(alias)
    if found is None:
        raise _fault(name, f"no such alias '{text}'")
    return int(found["ipversion"])


def _check_set(name: str, text: str, place: Surroundings) -> None:
    found = firewall_formats.SET.fullmatch(text)
    if not found:
        raise _fault(name, f"invalid ipset name '{text}'")
    if not place.has_set(found[1]):
        raise _fault(name, f"no such ipset '{found[1]}'")
