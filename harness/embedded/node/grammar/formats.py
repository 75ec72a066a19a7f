"""The named formats of the schema: each takes a text and raises ``ValueError`` with PVE's sentence about it.

Sources: the names are those of the PVE API schema; the sentences those of recorded answers and of
``PVE::JSONSchema``'s behaviour. A name that is not known here is not checked.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from harness.embedded.node.grammar import firewall_formats

Check = Callable[[str], None]
_CHECKS: dict[str, Check] = {}
_NAME = r"[a-zA-Z0-9](?:[a-zA-Z0-9\-]*[a-zA-Z0-9])?"
_ZONE_TABLE = Path("/usr/share/zoneinfo/tzdata.zi")


def _idpair(identifier: str) -> Check:
    """One entry of a mapping: ``1`` for itself, one name for all, or ``from:to``."""

    def check_pair(text: str) -> None:
        names = [] if text == "1" else text.split(":")
        try:
            for name in names if len(names) == 2 else [text] if names else []:
                check(identifier, name)
        except ValueError as wrong:
            raise ValueError(f"entry '{text}' contains invalid ID - {wrong}\n") from None

    return check_pair


def check(name: str, text: str) -> None:
    """Check ``text`` against the format ``name``; ``-list`` and ``-opt`` variants follow from the base format."""
    if name in _CHECKS:
        _CHECKS[name](text)
    elif name.endswith("-list"):
        for part in split_list(text):
            check(name.removesuffix("-list"), part)
    elif name.endswith("-opt") and text:
        check(name.removesuffix("-opt"), text)


def split_list(text: str) -> list[str]:
    """The items of a list as PVE splits it: by commas, semicolons, NULs and white space."""
    if "\0" in text:
        return [part for part in text.split("\0") if part]
    return [part for part in re.split(r"[,;\s]+", text) if part]


def _register(*names: str) -> Callable[[Check], Check]:
    def keep(function: Check) -> Check:
        for name in names:
            _CHECKS[name] = function
        return function

    return keep


def _pattern(name: str, pattern: str, sentence: str) -> None:
    """A format that is one regular expression; ``{}`` in the sentence is the value."""
    compiled = re.compile(pattern, re.ASCII)

    def check_pattern(text: str) -> None:
        if not compiled.fullmatch(text):
            raise ValueError(sentence.format(text))

    _CHECKS[name] = check_pattern


_pattern("pve-vmid", r"[1-9][0-9]{2,8}", "value does not look like a valid VM ID")
_pattern("pve-node", _NAME, "value does not look like a valid node name")
_pattern("pve-configid", r"[a-zA-Z][a-zA-Z0-9_-]+", "invalid configuration ID '{}'")
_pattern("pve-storage-id", r"[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]", "storage ID '{}' contains illegal characters")
_pattern("pve-bridge-id", r"[-_.\w]+", "invalid bridge ID '{}'")
_MAC = r"(?i)[a-f0-9][02468ace]"
_pattern("mac-addr", _MAC + r"(?::[a-f0-9]{2}){5}", "value does not look like a valid unicast MAC address")
_pattern("mac-prefix", _MAC + r"(?::[a-f0-9]{2}){0,2}:?", "value is not a valid unicast MAC address prefix")
_pattern("dns-name", rf"(?:{_NAME}\.)*{_NAME}", "value does not look like a valid DNS name")
_pattern("pve-iface", r"(?i)[a-z][a-z0-9_]{1,20}(?:[:.]\d+)?", "invalid network interface name '{}'")
_pattern("pve-poolid", r"[A-Za-z0-9.\-_]+(?:/[A-Za-z0-9.\-_]+){0,2}", "pool name '{}' contains invalid characters")
_pattern("pve-groupid", r"[A-Za-z0-9.\-_]+", "group name '{}' contains invalid characters")
_pattern("pve-roleid", r"[A-Za-z0-9.\-_]+", "role name '{}' contains invalid characters")
_pattern("pve-realm", r"(?i)[a-z][a-z0-9.\-_]+", "value does not look like a valid realm")
_pattern("pve-priv", r"[A-Za-z.]+", "invalid privilege '{}'")
_pattern("ldap-simple-attr", r"[a-zA-Z0-9]+", "value '{}' does not look like a simple ldap attribute name")
_pattern("disk-size", r"\d+(?:\.\d+)?[KMGT]?", "value does not look like a valid disk size: {}")
_pattern("pve-ha-resource-id", r"[a-z]+:\S+", "value does not look like a valid ha resource id")
_pattern("pve-ha-resource-or-vm-id", r"[a-z]+:\S+|\d+", "value does not look like a valid ha resource id")
_pattern("pve-ha-node", _NAME + r"(?::\d+)?", "value does not look like a valid ha node")
_pattern("pve-ha-group-node", _NAME + r"(?::\d+)?", "value does not look like a valid ha group node")
_pattern("pve-task-status-type", r"(?i)(?:ok|error|warning|unknown)", "invalid status '{}'")
_pattern("pve-day-of-week", r"(?:mon|tue|wed|thu|fri|sat|sun)", "value '{}' is not a valid day of the week")


@_register("pve-userid", "pve-tokenid")
def _userid(text: str) -> None:
    if "!" in text:
        if not re.fullmatch(r"[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+![A-Za-z][A-Za-z0-9.\-_]+", text):
            raise ValueError(f"value '{text}' does not look like a valid token ID")
        return
    parse_userid(text)


def parse_userid(text: str) -> tuple[str, str]:
    """Name and realm of a user id; raises ``ValueError`` as PVE says it."""
    if len(text) < 3:
        raise ValueError(f"user name '{text}' is too short")
    if len(text) > 64:
        raise ValueError(f"user name '{text}' is too long ({len(text)} > 64)")
    found = re.fullmatch(r"([^\s:/]+)@([A-Za-z][A-Za-z0-9.\-_]+)", text)
    if not found:
        raise ValueError(f"value '{text}' does not look like a valid user name")
    return found[1], found[2]


def _version(text: str) -> int | None:
    """4 or 6 for an IP address as PVE's expressions accept it (no zone, no leading zeros)."""
    if "%" in text:
        return None
    try:
        return ipaddress.ip_address(text).version
    except ValueError:
        return None


def _is_cidr(text: str, version: int) -> bool:
    address, slash, bits = text.partition("/")
    most = 32 if version == 4 else 128
    return bool(slash) and bits.isdigit() and 7 < int(bits) <= most and _version(address) == version


@_register("ipv4")
def _ipv4(text: str) -> None:
    if _version(text) != 4:
        raise ValueError("value does not look like a valid IPv4 address")


@_register("ipv6")
def _ipv6(text: str) -> None:
    if _version(text) != 6:
        raise ValueError("value does not look like a valid IPv6 address")


@_register("ip", "lxc-ip-with-ll-iface")
def _ip(text: str) -> None:
    if _version(text.partition("%")[0] if text.lower().startswith("fe80") else text) is None:
        raise ValueError("value does not look like a valid IP address")


@_register("address")
def _address(text: str) -> None:
    try:
        _ip(text)
    except ValueError:
        try:
            _CHECKS["dns-name"](text)
        except ValueError:
            raise ValueError(f"value does not look like a valid address: {text}") from None


@_register("CIDR")
def _cidr(text: str) -> None:
    if not (_is_cidr(text, 4) or _is_cidr(text, 6)):
        raise ValueError("value does not look like a valid CIDR network")


@_register("CIDRv4")
def _cidr4(text: str) -> None:
    if not _is_cidr(text, 4):
        raise ValueError("value does not look like a valid IPv4 CIDR network")


@_register("CIDRv6")
def _cidr6(text: str) -> None:
    if not _is_cidr(text, 6):
        raise ValueError("value does not look like a valid IPv6 CIDR network")


@_register("pve-ipv4-config")
def _ipv4_config(text: str) -> None:
    if text not in ("dhcp", "manual") and not _is_cidr(text, 4):
        raise ValueError("value does not look like a valid ipv4 network configuration")


@_register("pve-ipv6-config")
def _ipv6_config(text: str) -> None:
    if text not in ("auto", "dhcp", "manual") and not _is_cidr(text, 6):
        raise ValueError("value does not look like a valid ipv6 network configuration")


@_register("ipv4mask")
def _mask(text: str) -> None:
    try:
        ipaddress.ip_network(f"0.0.0.0/{text}")
    except ValueError:
        raise ValueError("value does not look like a valid IP netmask") from None


_USER = r"[\w+\-~]+(?:\.[\w+\-~]+)*"
_EMAIL = rf"{_USER}@[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*"
_pattern("email", _EMAIL, "value does not look like a valid email address")
_pattern("email-or-username", f"{_EMAIL}|{_USER}", "value does not look like a valid email address or user name")


@_register("pve-tag")
def _tag(text: str) -> None:
    if not re.fullmatch(r"(?i)[a-z0-9_][a-z0-9_\-+.]*", text):
        raise ValueError("invalid characters in tag")


@_register("pve-startup-order")
def _startup(text: str) -> None:
    parts = [part for part in text.split(",") if part.strip()]
    if text in ("", "0") or not all(re.fullmatch(r"(?:order=)?[0-9]+|(?:up|down)=[0-9]+", part) for part in parts):
        raise ValueError("unable to parse startup options")


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    """Time zones of this host; the names of the compiled table where there is one."""
    if not _ZONE_TABLE.exists():
        import zoneinfo  # noqa: PLC0415  # slow to list, and only needed where tzdata has no table

        return frozenset(zoneinfo.available_timezones())
    lines = (line.split() for line in _ZONE_TABLE.read_text().splitlines())
    return frozenset(words[1 if words[0] == "Z" else 2] for words in lines if words and words[0] in ("Z", "L"))


@_register("pve-ct-timezone")
def _timezone(text: str) -> None:
    if text not in ("host", "UTC") and text not in _zones():
        raise ValueError(f"invalid time zone '{text}'")


@_register("pve-volume-id")
def _volume_id(text: str) -> None:
    if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]:.+", text):
        raise ValueError(f"unable to parse volume ID '{text}'")


@_register("pve-lxc-mp-string")
def _mount_path(text: str) -> None:
    if re.search(r"(?:^|/)\.\.?(?:/|$)", text):
        raise ValueError(f"{text} contains illegal character sequences")


@_register("pve-lxc-dev-string")
def _device_path(text: str) -> None:
    if not text.startswith("/dev/") or re.search(r"/\.\.?(?:/|$)", text):
        raise ValueError(f"{text} is not a valid device path")


@_register("pve-storage-content")
def _content(text: str) -> None:
    if text not in ("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "none", "import"):
        raise ValueError(f"invalid content type '{text}'")


@_register("pve-storage-path")
def _path(text: str) -> None:
    if not re.fullmatch(r"/[-/a-zA-Z0-9_.@]+", text):
        raise ValueError("value does not look like a valid absolute path")


@_register("pve-command-batch")
def _batch(text: str) -> None:
    try:
        commands = json.loads(text)
    except ValueError:
        raise ValueError(
            "commands param did not contain valid JSON: malformed JSON string, neither tag, array, object, number, "
            f'string or atom, at character offset 0 (before "{text}") at /usr/share/perl5/PVE/API2/Nodes.pm line 99.'
        ) from None
    if not isinstance(commands, list) or not all(map(_is_command, commands)):
        raise ValueError("commands is not a valid array of commands: Parameter verification failed.")


def _is_command(item: object) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("path"), str):
        return False
    return item.get("method") in ("GET", "POST", "PUT", "DELETE") and isinstance(item.get("args", {}), dict)


_CHECKS.update(firewall_formats.CHECKS)
_CHECKS.update({"storage-pair": _idpair("pve-storage-id"), "bridge-pair": _idpair("pve-bridge-id")})
