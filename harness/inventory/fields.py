"""The texts of ``config.env`` become typed values; a converter raises ``MalformedError`` for what breaks its rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import AddressValueError, IPv4Address, ip_address
from typing import Any

from harness.config import suggest, values
from harness.config.values import MalformedError
from harness.inventory import mounts
from harness.inventory.model import Disk

LEAST_ID, MOST_ID = 100, 999_999_999  # PVE API schema, pve-vmid
_HOSTNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_DOMAIN = re.compile(rf"(?=.{{1,253}}$)(?:{_HOSTNAME.pattern}\.)*{_HOSTNAME.pattern}")
_TAG = re.compile(r"[a-z0-9_][a-z0-9_+.-]*")  # PVE API schema, pve-tag
_TEMPLATE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*|[A-Za-z][A-Za-z0-9_.-]*:vztmpl/[^\s/:]+")
_FILE_SYSTEMS = re.compile(r"[A-Za-z0-9_]+(?:;[A-Za-z0-9_]+)*")
_SWITCHES = ("force_rw_sys", "fuse", "keyctl", "mknod", "nesting")  # PVE API schema, POST /nodes/{node}/lxc, features
_ENGINES = ("auto", "cinc", "itamae")
_UNIT = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)\s*(?P<unit>[GgMm])(?:i?[Bb])?")
_NAMESERVERS = 3  # resolv.conf(5): MAXNS


def parts(text: str, separators: str = ",") -> list[str]:
    """The non-empty parts of a list."""
    return [part for part in re.split(rf"[{separators}]", text) if part.strip()]


def _in_mib(text: str) -> int:
    """What ``2G`` or ``512M`` means in MiB; 0 when it is neither."""
    match = _UNIT.fullmatch(text)
    if match is None:
        return 0
    return int(float(match["number"]) * (1024 if match["unit"] in "Gg" else 1))


def _mebibytes(least: int, most: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        try:
            return values.whole_number(text, least, most)
        except MalformedError:
            raise MalformedError(hint=_size_hint(text, least, most)) from None

    return convert


def _size_hint(text: str, least: int, most: int) -> str:
    """What was probably meant by a size that is not MiB: with a unit, in GiB, or in bytes."""
    meant = _in_mib(text)
    if text.isdecimal() and int(text) < least:
        meant = int(text) * 1024
    elif text.isdecimal() and int(text) % 1024**2 == 0:
        meant = int(text) // 1024**2
    return f"did you mean {meant}?" if max(least, 1) <= meant <= most else ""


def _hostname(text: str) -> str:
    if "." in text and _DOMAIN.fullmatch(text):
        label, _, domain = text.partition(".")
        raise MalformedError(hint=f"write HOSTNAME={label} and SEARCHDOMAIN={domain}")
    if "_" in text and _HOSTNAME.fullmatch(text.replace("_", "-").strip("-")):
        raise MalformedError(hint=f"did you mean {text.replace('_', '-').strip('-')}?")
    return values.matching(text, _HOSTNAME)


def _disk(text: str) -> Disk:
    storage, colon, size = text.partition(":")
    if not colon:
        raise MalformedError(hint=f"did you mean local-lvm:{text}?" if text.isdecimal() else "")
    return Disk(values.matching(storage, values.STORAGE), mounts.gibibytes(size))


def _features(text: str) -> tuple[tuple[str, str], ...]:
    features: dict[str, str] = {}
    for part in parts(text):
        name, _, value = part.strip().partition("=")
        if name in features:
            raise MalformedError(f"each feature once, not {name} twice")
        features[name] = _feature(name, value)
    return tuple(features.items())


def _feature(name: str, value: str) -> str:
    if name == "mount":
        return values.matching(value, _FILE_SYSTEMS)
    if name not in _SWITCHES:
        raise MalformedError(hint=suggest.did_you_mean(name, [*_SWITCHES, "mount"]))
    return "1" if values.switch(value) else "0"


def _nameserver(text: str) -> str | None:
    servers = parts(text, r",\s")
    if len(servers) > _NAMESERVERS:
        raise MalformedError
    for server in servers:
        try:
            ip_address(server)
        except ValueError as error:
            raise MalformedError(hint=str(error)) from error
    return " ".join(servers) or None


def _searchdomain(text: str) -> str | None:
    return values.matching(text, _DOMAIN).lower() if text else None


def _startup(text: str) -> str | None:
    """PVE API schema, pve-startup-order: ``[[order=]N][,up=N][,down=N]``."""
    found: dict[str, int] = {}
    for part in parts(text):
        name, equals, value = part.strip().partition("=")
        if not equals:
            name, value = "order", name
        if name not in ("order", "up", "down") or name in found:
            raise MalformedError
        found[name] = values.whole_number(value, 0, 999_999)
    return ",".join(f"{name}={found[name]}" for name in ("order", "up", "down") if name in found) or None


def _tags(text: str) -> tuple[str, ...]:
    found = [values.matching(part.lower(), _TAG) for part in parts(text, r",;\s")]
    return tuple(dict.fromkeys(found))


def _engine(text: str) -> str:
    if text not in _ENGINES:
        raise MalformedError(hint=suggest.did_you_mean(text, _ENGINES))
    return text


def _needs(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(parts(text, r",\s")))


def declared_address(text: str) -> tuple[IPv4Address, int | None]:
    """An address and its prefix length, None where it stands alone."""
    alone, slash, prefix = text.partition("/")
    try:
        found = IPv4Address(alone)
    except AddressValueError as error:
        raise MalformedError(hint=str(error)) from error
    if found.is_loopback or found.is_multicast or found.is_unspecified or found.is_link_local or found.is_reserved:
        raise MalformedError("an address that a container can have, not one set apart for other uses (RFC 6890)")
    if not slash:
        return found, None
    try:
        return found, values.whole_number(prefix, 8, 30)
    except MalformedError:
        raise MalformedError("the prefix length after the slash is a number from 8 to 30") from None


CONVERTERS: Mapping[str, Callable[[str], Any]] = {
    "IP": declared_address,
    "ID": lambda text: values.whole_number(text, LEAST_ID, MOST_ID),
    "HOSTNAME": _hostname,
    "CORES": lambda text: values.whole_number(text, 1, 512),
    "MEMORY": _mebibytes(64, 4_194_304),
    "SWAP": _mebibytes(0, 1_048_576),
    "DISK": _disk,
    "BOOT": values.switch,
    "MOUNT": mounts.parse,
    "NODE": lambda text: values.matching(text, values.NAME),
    "NEEDS": _needs,
    "UNPRIVILEGED": values.switch,
    "FEATURES": _features,
    "NAMESERVER": _nameserver,
    "SEARCHDOMAIN": _searchdomain,
    "STARTUP": _startup,
    "TAGS": _tags,
    "ENGINE": _engine,
    "OSTEMPLATE": lambda text: values.matching(text, _TEMPLATE),
}
