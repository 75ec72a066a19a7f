"""Whether a firewall rule of a container makes sense, fault by fault in PVE's order (``PVE::Firewall``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.embedded.node.errors import ApiError, invalid
from harness.embedded.node.firewall import Firewall
from harness.embedded.node.grammar import firewall_formats
from harness.embedded.node.grammar.formats import split_list

NUMBERS = frozenset(("enable",))
_FIELDS = frozenset(("type", "action", "macro", "iface", "source", "dest", "proto", "enable", "log", "sport", "dport"))
_FIELDS |= {"comment", "icmp-type", "pos", "digest"}
_ACTIONS = ("ACCEPT", "DROP", "REJECT")
_MIXED = "detected mixed ipv4/ipv6 addresses in rule"
_ICMP = ("icmp", "icmpv6", "ipv6-icmp")
_MACROS = {name.lower(): name for name in firewall_formats.MACROS}
Rule = Mapping[str, Any]


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


def verified(rule: Rule, firewall: Firewall) -> dict[str, Any]:
    """The rule with its macro's name as PVE writes it; raises 400 for the first fault."""
    macro = rule.get("macro")
    checked = {**rule, "macro": _MACROS.get(str(macro).lower(), macro)} if macro else dict(rule)
    for check in (_action, _interface, _macro, _destination_ports, _icmp_type, _source_ports):
        check(checked)
    for name in ("source", "dest"):
        _reference(checked, name, firewall)
    version = _version(checked, firewall)
    return {**checked, "ipversion": version} if version else checked


def _fault(name: str, text: str) -> ApiError:
    return invalid({name: text})


def _action(rule: Rule) -> None:
    kind, action = rule.get("type"), rule.get("action")
    if kind == "forward":
        raise _fault("type", "unknown rule type 'forward'")
    if kind in ("in", "out") and action not in _ACTIONS:
        raise _fault("action", f"unknown action '{action}'")


def _interface(rule: Rule) -> None:
    name = rule.get("iface")
    if name and not re.fullmatch(r"net\d+", str(name)):
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


def _version(rule: Rule, firewall: Firewall) -> int | None:
    """The version of IP that the rule is about, if it is about one; raises 400 when it is about both."""
    found = {"icmp": 4, "icmpv6": 6, "ipv6-icmp": 6}.get(str(rule.get("proto")))
    for text in (str(rule[name]) for name in ("source", "dest") if rule.get(name)):
        alias = firewall.aliases.get(text.lower())
        version = alias["ipversion"] if alias else firewall_formats.version_of(text)
        if version and found and version != found:
            raise _fault("source" if text == rule.get("source") else "dest", _MIXED)
        found = version or found
    return found


def _reference(rule: Rule, name: str, firewall: Firewall) -> None:
    """A set or an alias that a rule names must be there."""
    value = str(rule.get(name) or "")
    if value.startswith("+"):
        found = re.fullmatch(r"\+(?:guest/)?([A-Za-z][A-Za-z0-9\-_]+)", value)
        if not found:
            raise _fault(name, f"invalid ipset name '{value}'")
        if found[1] not in firewall.sets:
            raise _fault(name, f"no such ipset '{found[1]}'")
    elif firewall_formats.NAME.fullmatch(value) and value.lower() not in firewall.aliases:
        raise _fault(name, f"no such alias '{value}'")
