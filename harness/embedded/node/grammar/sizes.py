"""Sizes as PVE writes them: ``4G``, ``768M``, ``0T``."""

from __future__ import annotations

import re

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def parse_size(text: str) -> int | None:
    """Bytes of a size, or None when it is none."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)", text, re.ASCII)
    return int(float(found[1]) * _UNITS[found[2]]) if found else None


def format_size(size: int) -> str:
    """The largest unit in which the size is a whole number; nothing at all is ``0T``."""
    unit = ""
    for name in ("K", "M", "G", "T"):
        if size % 1024:
            break
        size //= 1024
        unit = name
    return f"{size}{unit}"


def from_gigabytes(text: str) -> int:
    """Bytes of the number in ``storage:number``: gibibytes, cut to whole mebibytes."""
    return int(float(text) * 1024) << 20
