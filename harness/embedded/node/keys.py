"""Small facts about what a caller hands in or the host is: SSH public keys, the architecture."""

from __future__ import annotations

import base64
import binascii
import itertools
import platform
import struct

from harness.embedded.node.errors import failure

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "armhf", "i686": "i386", "riscv64": "riscv64"}


def machine_architecture() -> str:
    """The host's architecture as PVE and Debian name it."""
    return _ARCHITECTURES.get(platform.machine(), "amd64")


def check_public_keys(text: str) -> None:
    """Raise PVE's 500 unless every line is an OpenSSH public key."""
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#") and not _is_key(line):
            raise failure("SSH public key validation error")


def _is_key(line: str) -> bool:
    words = line.split()
    for kind, blob in itertools.pairwise(words):
        if kind.startswith(("ssh-", "ecdsa-", "sk-")):
            return _blob_names(blob, kind)
    return False


def _blob_names(blob: str, kind: str) -> bool:
    try:
        raw = base64.b64decode(blob, validate=True)
    except binascii.Error:
        return False
    fields = list(_fields(raw))
    return len(fields) >= 2 and fields[0] == kind.encode() and all(fields)


def _fields(raw: bytes) -> list[bytes]:
    """The length-prefixed fields of a key blob (RFC 4253, section 6.6); an empty one marks a blob that is cut short."""
    found, place = [], 0
    while place + 4 <= len(raw):
        (length,) = struct.unpack_from(">I", raw, place)
        field = raw[place + 4 : place + 4 + length]
        found.append(field if len(field) == length else b"")
        place += 4 + length
    return found if place == len(raw) else [*found, b""]
