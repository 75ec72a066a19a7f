"""Which distribution a root file system is, told as PVE::LXC::Setup tells it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from harness.embedded.node.errors import failure

Log = Callable[[str], None]
TYPES = (
    *("alpine", "archlinux", "centos", "debian", "devuan", "fedora", "gentoo", "nixos", "openeuler", "opensuse"),
    "ubuntu",
)
UNMANAGED = "unmanaged"
_ALIASES = {
    "almalinux": "centos",
    "arch": "archlinux",
    "cloudlinux": "centos",
    "openEuler": "openeuler",
    "opensuse-leap": "opensuse",
    "opensuse-slowroll": "opensuse",
    "opensuse-tumbleweed": "opensuse",
    "rhel": "centos",
    "rocky": "centos",
    "sles": "opensuse",
}
_MARKS = {
    "etc/debian_version": "debian",
    "etc/devuan_version": "devuan",
    "etc/SuSE-brand": "opensuse",
    "etc/SuSE-release": "opensuse",
    "etc/fedora-release": "fedora",
    "etc/centos-release": "centos",
    "etc/redhat-release": "centos",
    "etc/arch-release": "archlinux",
    "etc/alpine-release": "alpine",
    "etc/gentoo-release": "gentoo",
    "nix/store": "nixos",
}
_VARIABLE = re.compile(r"^\s*([a-zA-Z_]\w*)=(?:'([^']*)'|\"((?:[^\"\\]|\\.)*)\"|([^\s'\"]*))", re.ASCII | re.MULTILINE)
_OLDEST_DEBIAN, _NEWEST_DEBIAN = 4, 13


def detect(files: Mapping[str, bytes], asked: str | None, log: Log) -> str:
    """The ``ostype`` of a system with these files; only ``unmanaged`` is believed when it is asked for.

    Raises PVE's error for one that no plugin fits, or that is too new for its plugin.
    """
    if asked == UNMANAGED:
        return asked
    found = agreed(_by_name(files, log) or _by_marks(files, log), asked, log)
    if found == "debian":
        _check_debian(_line(files.get("etc/debian_version")))
    return found


def agreed(found: str, asked: str | None, log: Log) -> str:
    """What a system is, with a word on it when something else was expected."""
    if asked == UNMANAGED:
        return asked
    if asked and asked != found:
        log(f"got unexpected ostype ({found} != {asked})")
    return found


def _by_name(files: Mapping[str, bytes], log: Log) -> str | None:
    name = release(files).get("ID", "")
    if name in TYPES:
        return name
    if name and name not in _ALIASES:
        log(f"unknown ID '{name}' in /etc/os-release file, trying fallback detection")
    return _ALIASES.get(name)


def _by_marks(files: Mapping[str, bytes], log: Log) -> str:
    if re.search(rb"^DISTRIB_ID=Ubuntu$", files.get("etc/lsb-release", b""), re.MULTILINE | re.IGNORECASE):
        return "ubuntu"
    found = next((kind for mark, kind in _MARKS.items() if mark in files), None)
    if found is None and "etc/os-release" in files:
        raise failure("unable to detect OS distribution")
    if found is None:
        log("/etc/os-release file not found and autodetection failed, falling back to 'unmanaged'")
    return found or UNMANAGED


def release(files: Mapping[str, bytes]) -> dict[str, str]:
    """The variables of os-release(5)."""
    text = (files.get("etc/os-release") or files.get("usr/lib/os-release") or b"").decode(errors="replace")
    return {name: single or double or bare for name, single, double, bare in _VARIABLE.findall(text)}


def _line(data: bytes | None) -> str:
    return (data or b"").decode(errors="replace").partition("\n")[0].strip()


def _check_debian(version: str) -> None:
    """Raise as PVE's plugin does; "trixie/sid" and the like are taken for the newest."""
    if not version:
        raise failure("unable to read version info")
    if version.endswith("/sid"):
        return
    found = re.match(r"(\d+)(?:\.\d+)?", version)
    if not found:
        raise failure(f"unable to parse version info '{version}'")
    if not _OLDEST_DEBIAN <= int(found[1]) <= _NEWEST_DEBIAN:
        raise failure(f"unsupported debian version '{found[1]}'")
