"""Every setting of ``local/config.json``, declared once: how it is read, what it means, what stands in for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any

from harness.config import values
from harness.config.values import MalformedError
from harness.kit.secret import Secret

_TOKEN = re.compile(r"(?:[^\s!@/]+@[A-Za-z][A-Za-z0-9._-]+!)?[A-Za-z][A-Za-z0-9._-]+")
_USER = re.compile(r"[^\s:/@!]+@[A-Za-z][A-Za-z0-9._-]+")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_LOGIN = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
_PREFIX = re.compile(r"[a-z](?:[a-z0-9-]{0,22}[a-z0-9])?")
_VERSION = re.compile(r"[0-9]+\.[0-9]+(?:\.[0-9]+)?(?:-rc[0-9]+)?")
_TEMPLATE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*|[A-Za-z][A-Za-z0-9_.-]*:vztmpl/[^\s/]+")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: ``convert`` turns what JSON holds (or the environment's text) into the value, or raises
    ``MalformedError``."""

    name: str
    rule: str
    meaning: str
    example: str
    """As JSON."""
    convert: Callable[[Any], Any]
    default: str = "none"
    secret: bool = False

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "GITOPS_" + self.name.upper().replace(".", "_")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise MalformedError(hint="write it in double quotes")
    if any(ord(character) < 32 for character in value):
        raise MalformedError("no line breaks and control characters")
    return value


def _pattern(pattern: re.Pattern[str]) -> Callable[[Any], str]:
    return lambda value: values.matching(_text(value), pattern)


def _number(least: int, most: int) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise MalformedError
        return values.whole_number(str(value), least, most)

    return convert


def _secret(value: Any) -> Secret:
    return Secret(_text(value))


def _gateway(value: Any) -> IPv4Address:
    return values.address(_text(value))


def _address(value: Any) -> str:
    return str(values.address(_text(value)))


def _host(value: Any) -> str:
    host = _text(value)
    if "://" in host or "/" in host:
        raise MalformedError(hint="the name alone, without https:// and without a path")
    if host.count(":") > 1:
        return _ipv6(host)
    if ":" in host:
        raise MalformedError(hint="the port has a setting of its own: proxmox.port")
    return values.matching(host, _HOST)


def _ipv6(host: str) -> str:
    try:
        return str(IPv6Address(host))
    except AddressValueError as error:
        raise MalformedError(hint=str(error)) from error


def _nodes(value: Any) -> tuple[str, ...]:
    names = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if not isinstance(names, list) or not names:
        raise MalformedError
    return tuple(dict.fromkeys(values.matching(_text(name), values.NAME) for name in names))


def _fingerprint(value: Any) -> str:
    digits = re.sub(r"[:\s]", "", _text(value)).removeprefix("SHA256")
    if not re.fullmatch(r"[0-9A-Fa-f]{64}", digits):
        raise MalformedError(hint="see it with: pvenode cert info, or openssl x509 -noout -fingerprint -sha256")
    return ":".join(digits[at : at + 2] for at in range(0, 64, 2)).upper()


def _choice(*known: str) -> Callable[[Any], str]:
    def convert(value: Any) -> str:
        if _text(value) not in known:
            raise MalformedError
        return str(value)

    return convert


def _digests(value: Any) -> tuple[str, ...]:
    found = value.split(",") if isinstance(value, str) else value
    if not isinstance(found, list) or not found:
        raise MalformedError
    digests = tuple(_text(one).strip().lower() for one in found)
    if not all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in digests):
        raise MalformedError(hint="the first word of the .sha256 file that lies beside the release")
    return digests


def _mirror(value: Any) -> str:
    url = _text(value)
    if not re.fullmatch(r"https?://[^\s/]+\S*", url):
        raise MalformedError
    return url.rstrip("/")


_ALL = (
    Setting(
        "proxmox.host",
        "a host name or an IP address",
        "The Proxmox VE host. Without it every run goes to the embedded node on this machine.",
        '"pve.lan"',
        _host,
        "none: the embedded node",
    ),
    Setting("proxmox.port", "a port, 1 to 65535", "Port of its API.", "8006", _number(1, 65535), "`8006`"),
    Setting("proxmox.user", "NAME@REALM", "Account that signs in.", '"root@pam"', _pattern(_USER), "`root@pam`"),
    Setting(
        "proxmox.password",
        "text",
        "Its password. Given together with a token, the password is used: a token may not set bind mounts, devices"
        " or features other than nesting.",
        '"…"',
        _secret,
        secret=True,
    ),
    Setting(
        "proxmox.token",
        "a token's name (ci), or its full id (root@pam!ci)",
        "API token, used with `proxmox.secret` when there is no password.",
        '"root@pam!ci"',
        _pattern(_TOKEN),
    ),
    Setting("proxmox.secret", "text", "The token's secret.", '"…"', _secret, secret=True),
    Setting(
        "proxmox.fingerprint",
        "a SHA-256 fingerprint: 32 pairs of hexadecimal digits",
        "Fingerprint of the host's certificate. Without it the certificate must be signed by an authority that this"
        " machine knows.",
        '"AB:CD:…"',
        _fingerprint,
    ),
    Setting(
        "proxmox.node",
        "a node's name, or a list of names",
        "The node or nodes that containers may live on; the first takes those without a `NODE` of their own."
        " `proxmox.nodes` is another spelling.",
        '"pve"',
        _nodes,
        "`pve`",
    ),
    Setting(
        "proxmox.gateway",
        "an IPv4 address",
        "The router of the bridge's network, and every container's gateway.",
        '"192.168.178.1"',
        _gateway,
        "the first host address of the network",
    ),
    Setting(
        "proxmox.mask",
        "a prefix length, 8 to 30",
        "Prefix length of the bridge's network.",
        "24",
        _number(8, 30),
        "`24`",
    ),
    Setting(
        "proxmox.interface",
        "an interface's name",
        "Name of the network interface inside containers.",
        '"eth0"',
        _pattern(values.INTERFACE),
        "`eth0`",
    ),
    Setting(
        "proxmox.bridge",
        "an interface's name",
        "Bridge of the node that containers are plugged into.",
        '"vmbr0"',
        _pattern(values.INTERFACE),
        "`vmbr0`",
    ),
    Setting(
        "proxmox.storage",
        "a storage's name",
        "Storage that holds container templates.",
        '"local"',
        _pattern(values.STORAGE),
        "`local`",
    ),
    Setting(
        "proxmox.template",
        "a template's name, or a volume id",
        "Template of containers without an `OSTEMPLATE` of their own.",
        '"debian-13-standard"',
        _pattern(_TEMPLATE),
        "`debian-13-standard`",
    ),
    Setting(
        "embedded.port", "a port, 1 to 65535", "Port of the embedded node's API.", "8006", _number(1, 65535), "`8006`"
    ),
    Setting(
        "embedded.name",
        "1 to 24 lower-case letters, digits and hyphens, a letter first",
        "Prefix of all that the embedded node makes in Docker; two nodes on one machine need two names.",
        '"gitops"',
        _pattern(_PREFIX),
        "`gitops`",
    ),
    Setting(
        "control_plane.address",
        "an IPv4 address of this machine",
        "Where the local control plane is published; `0.0.0.0` lets the network in, over plain http.",
        '"127.0.0.1"',
        _address,
        "`127.0.0.1`",
    ),
    Setting(
        "control_plane.port",
        "a port, 1 to 65535",
        "Port of the local control plane's forge.",
        "8080",
        _number(1, 65535),
        "`8080`",
    ),
    Setting(
        "forge",
        "embedded or gitea",
        "The forge and runner of control planes: the project's own, or the official Gitea releases (docs/gitea.md).",
        '"embedded"',
        _choice("embedded", "gitea"),
        "`embedded`",
    ),
    Setting(
        "gitea.version",
        "a version number",
        "Release of Gitea to run; read with `forge` set to `gitea`, as all settings of this group.",
        '"1.26.4"',
        _pattern(_VERSION),
        "`1.26.4`",
    ),
    Setting(
        "gitea.sha256",
        "64 hexadecimal digits, or a list of them",
        "SHA-256 of that release's `.xz` file, one for each architecture in use. Nothing is run whose digest is"
        " another.",
        '"…"',
        _digests,
        "none: required with `forge` set to `gitea`",
    ),
    Setting(
        "gitea.runner_version",
        "a version number",
        "Release of the runner: `act_runner` up to 0.x, `gitea-runner` from 1.0.",
        '"0.2.13"',
        _pattern(_VERSION),
        "`0.2.13`",
    ),
    Setting(
        "gitea.runner_sha256",
        "64 hexadecimal digits, or a list of them",
        "SHA-256 of the runner's `.xz` file, one for each architecture in use.",
        '"…"',
        _digests,
        "none: required with `forge` set to `gitea`",
    ),
    Setting(
        "gitea.mirror",
        "an http or https address",
        "Where both are fetched from, laid out like Gitea's own download site.",
        '"https://mirror.lan/gitea"',
        _mirror,
        "`https://dl.gitea.com`",
    ),
    Setting(
        "login",
        "a login name: 1 to 32 lower-case letters, digits, _ . and -, a letter first",
        "The login that services in the containers get.",
        '"admin"',
        _pattern(_LOGIN),
        "`admin`",
    ),
    Setting(
        "password",
        "text",
        "Its password.",
        '"…"',
        _secret,
        "made at random at the first run and kept in `local/share/<target>/login.json`",
        secret=True,
    ),
    Setting(
        "cinc_mirror",
        "an http or https address",
        "Where Cinc packages are fetched from.",
        '"https://mirror.lan/cinc"',
        _mirror,
        "the Cinc project's own",
    ),
)

SETTINGS: dict[str, Setting] = {setting.name: setting for setting in _ALL}
ALIASES = {"proxmox.nodes": "proxmox.node"}
