"""Whether a file is an archive at all, by its first bytes: enough to tell a broken one as ``tar`` would."""

from __future__ import annotations

from pathlib import Path

_MAGIC = {".zst": b"\x28\xb5\x2f\xfd", ".gz": b"\x1f\x8b", ".xz": b"\xfd7zXZ\x00", ".bz2": b"BZh"}
_TAR_MARK = slice(257, 262)


def is_readable(file: Path) -> bool:
    """Whether the file begins as its name says."""
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        head = stream.read(512)
    magic = _MAGIC.get(file.suffix)
    return head.startswith(magic) if magic else head[_TAR_MARK] == b"ustar"
