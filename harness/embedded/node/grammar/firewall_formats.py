"""What rules, sets and aliases of the firewall may hold: addresses, ports, protocols, ICMP types.

Each check takes a text and raises ``ValueError`` with PVE's sentence about it. Sources: the behaviour of
``PVE::Firewall`` and, for the texts about addresses, of the Perl library ``Net::IP`` that it asks.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from functools import lru_cache
from importlib import resources
from pathlib import Path

SET = re.compile(r"\+(?:guest/|dc/|sdn/)?([A-Za-z][A-Za-z0-9\-_]+)", re.ASCII)
"""The name of an address set after the word for whose it is."""
_ALIAS = re.compile(r"(?:guest/|dc/)?([A-Za-z][A-Za-z0-9\-_]+)", re.ASCII)
_WORDS = json.loads(resources.files("harness.embedded.node").joinpath("data", "firewall.json").read_text())
ICMP: frozenset[str] = frozenset(_WORDS["icmp"])
ICMP6: frozenset[str] = frozenset(_WORDS["icmp6"])
MACROS: list[str] = _WORDS["macros"]
WITH_PORTS: frozenset[str] = frozenset(_WORDS["with ports"])
_MOST_PORTS, _LAST_PORT, _LONGEST = 15, 65535, 64


def addresses(text: str) -> None:
    """An address set, an alias, or a list of addresses, networks and ranges of one version."""
    version_of(text)


def version_of(text: str) -> int | None:
    """4 or 6 for a list of addresses, None for the name of a set or an alias; ``ValueError`` for anything else."""
    if re.fullmatch(r"\+\S+", text):
        _fits(text, _LONGEST + 1, "ipset")
        return None
    if alias_of(text) is not None:
        _fits(text, _LONGEST, "alias")
        return None
    return _address_list(text)


def alias_of(text: str) -> str | None:
    """The name of an alias without the word for whose it is, None for anything else."""
    found = _ALIAS.fullmatch(text)
    return found[1] if found else None


def _fits(text: str, longest: int, kind: str) -> None:
    if len(text) > longest:
        raise ValueError(f"{kind} name too long")


def _items(text: str) -> list[str]:
    if not text or text.endswith(","):
        raise ValueError("extraneous commas in list")
    return text.split(",")


def _address_list(text: str) -> int:
    items = _items(text)
    versions = {_version(item) for item in items}
    if len(versions) > 1:
        raise ValueError(f"detected mixed ipv4/ipv6 addresses in address list '{text}'")
    if len(items) > 1 and any("-" in item for item in items):
        raise ValueError("you can't use a range in a list")
    return versions.pop()


def _version(item: str) -> int:
    try:
        return max(_network(part) for part in item.split("-"))
    except ValueError as wrong:
        raise ValueError(f"invalid IP address: {wrong}") from None


def _network(text: str) -> int:
    """4 or 6 for an address or network; ``ValueError`` as ``Net::IP`` words it."""
    address, slash, length = text.partition("/")
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        raise ValueError(_complaint(address, text)) from None
    if slash:
        _check_length(found, length, text)
    return found.version


def _complaint(address: str, whole: str) -> str:
    quads = address.split(".")
    big = next((quad for quad in quads if quad.isdigit() and int(quad) > 255), None)
    if big is not None and len(quads) == 4:
        return f"Invalid quad in IP address {whole} - {big}"
    return f"Invalid chars in IP {whole}"


def _check_length(address: ipaddress.IPv4Address | ipaddress.IPv6Address, length: str, whole: str) -> None:
    bits = address.max_prefixlen
    if not length.isdigit():
        raise ValueError(f"Invalid prefix {whole}")
    if int(length) > bits:
        raise ValueError(f"Prefix length {length} is longer than IP address ({bits})")
    binary = format(int(address), f"0{bits}b")
    if "1" in binary[int(length) :]:
        raise ValueError(f"Invalid prefix {binary}/{length}")


def network(text: str) -> None:
    """An address or a network."""
    address, slash, length = text.partition("/")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise ValueError("value does not look like a valid IP address or CIDR network") from None
    if slash and not length.isdigit():
        raise ValueError("value does not look like a valid IP address or CIDR network")
    _network(text)


def network_or_alias(text: str) -> None:
    """An address, a network or the name of one."""
    if alias_of(text) is None:
        network(text)


def short(text: str) -> str:
    """An address as PVE writes it: a prefix that covers all of it is left out."""
    return text.removesuffix("/128" if ":" in text else "/32")


def source_ports(text: str) -> None:
    """Ports, ranges and names of services."""
    _ports(text, frozenset())


def destination_ports(text: str) -> None:
    """The same, or an ICMP type."""
    _ports(text, ICMP | ICMP6)


def _ports(text: str, types: frozenset[str]) -> None:
    items = _items(text)
    numbers = sum(_port(item, types) for item in items)
    if numbers and any(item in types for item in items):
        raise ValueError("ICMP ports not allowed in port range")
    if numbers > _MOST_PORTS:
        raise ValueError("too many entries in port list (> 15 numbers)")


def _port(item: str, types: frozenset[str]) -> int:
    """How many numbers an item has."""
    found = re.fullmatch(r"([0-9]+)(?::([0-9]+))?", item)
    if not found:
        if item not in types and item not in services():
            raise ValueError(f"invalid port '{item}'")
        return 0
    numbers = [number for number in found.groups() if number is not None]
    for number in numbers:
        if int(number) > _LAST_PORT:
            raise ValueError(f"invalid port '{number}'")
    if len(numbers) == 2 and int(numbers[0]) > int(numbers[1]):
        low, high = numbers[1], numbers[0]
        raise ValueError(f"backwards range '{high}:{low}' not allowed, did you mean '{low}:{high}'?")
    return len(numbers)


def protocol(text: str) -> None:
    """A protocol by name or number, as the host's table has it."""
    if text and text not in protocols():
        raise ValueError(f"unknown protocol '{text}'")


def icmp_type(text: str) -> None:
    """An ICMP type by name."""
    if text and text not in ICMP | ICMP6:
        raise ValueError(f"invalid icmp-type value '{text}'")


@lru_cache(maxsize=1)
def protocols() -> frozenset[str]:
    """Names and numbers of ``/etc/protocols``, those that are always there included."""
    return frozenset(_table("/etc/protocols", r"(\S+)\s+(\d+)")) | set(_WORDS["protocols"])


@lru_cache(maxsize=1)
def services() -> frozenset[str]:
    """Names of ``/etc/services``, the best known included."""
    return frozenset(_table("/etc/services", r"(\S+)\s+\d+/(?:tcp|udp|sctp)")) | set(_WORDS["services"])


def _table(path: str, pattern: str) -> list[str]:
    """The words that a pattern finds at the start of the lines of a table; none when there is no table."""
    lines = Path(path).read_text(errors="replace").splitlines() if Path(path).exists() else []
    found = (re.match(pattern, line) for line in lines if not line.startswith("#"))
    return [word for match in found if match for word in match.groups()]


CHECKS: dict[str, Callable[[str], None]] = {
    "pve-fw-addr-spec": addresses,
    "pve-fw-sport-spec": source_ports,
    "pve-fw-dport-spec": destination_ports,
    "pve-fw-protocol-spec": protocol,
    "pve-fw-icmp-type-spec": icmp_type,
    "IPorCIDR": network,
    "IPorCIDRorAlias": network_or_alias,
}
