"""What an archive of a root file system says of itself: read once through, nothing of it unpacked."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from harness.embedded.node import compression
from harness.embedded.node.runtime import ArchiveError

_MAGIC = {".zst": b"\x28\xb5\x2f\xfd", ".gz": b"\x1f\x8b", ".xz": b"\xfd7zXZ\x00", ".bz2": b"BZh"}
_TAR_MARK = slice(257, 262)
OS_FILES = (
    *("etc/os-release", "usr/lib/os-release", "etc/lsb-release", "etc/debian_version", "etc/devuan_version"),
    *("etc/SuSE-brand", "etc/SuSE-release", "etc/fedora-release", "etc/centos-release", "etc/redhat-release"),
    *("etc/arch-release", "etc/alpine-release", "etc/gentoo-release", "nix/store"),
)
"""What PVE::LXC::Setup looks at to tell a distribution."""
PCT_CONFIG = "etc/vzdump/pct.conf"
"""Where vzdump(1) puts the container's configuration, as the archive's first file."""
_LIMIT = 1 << 20
_SYSTEMD = re.compile(r"(?:usr/)?lib/(?:[^/]+/)?systemd/libsystemd-shared-(\d+)")


@dataclass(frozen=True, slots=True)
class Content:
    """The files that tell what a system is, by path; a directory or link has no bytes. ``systemd``: its version."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    systemd: int | None = None


def is_readable(file: Path) -> bool:
    """Whether the file begins as its name says."""
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        head = stream.read(512)
    magic = _MAGIC.get(file.suffix)
    return head.startswith(magic) if magic else head[_TAR_MARK] == b"ustar"


def content(file: Path) -> Content:
    """What the whole archive says. Raises ``ArchiveError`` when it is broken, ``GuestError`` without its program."""
    found: dict[str, bytes] = {}
    systemd: int | None = None
    with _opened(file, whole=True) as members:
        for name, read in members:
            version = _SYSTEMD.match(name)
            if version:
                systemd = int(version[1])
            elif name in OS_FILES:
                found[name] = read()
    return Content(found, systemd)


def pct_config(file: Path) -> str | None:
    """The configuration in a backup, or None where there is none; read no further than to it."""
    with _opened(file, whole=False) as members:
        return next((read().decode(errors="replace") for name, read in members if name == PCT_CONFIG), None)


@contextmanager
def _opened(file: Path, *, whole: bool) -> Iterator[Iterator[tuple[str, Callable[[], bytes]]]]:
    """An archive's members: the path, and how to read what a small file has."""
    if not is_readable(file):
        raise ArchiveError("exit code 2")
    try:
        with compression.reading(file, whole=whole) as plain, tarfile.open(fileobj=plain, mode="r|") as tar:
            yield ((member.name.removeprefix("./").rstrip("/"), partial(_read, tar, member)) for member in tar)
            while whole and plain.read(_LIMIT):
                pass  # a program whose output nobody takes would end as if it had failed
    except (tarfile.TarError, EOFError, OSError) as broken:
        raise ArchiveError("exit code 2") from broken


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = tar.extractfile(member) if member.isreg() else None
    return stream.read(_LIMIT) if stream else b""
