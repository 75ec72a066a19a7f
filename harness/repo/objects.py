"""Names of git objects, computed without git: what is compared before anything is written."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

FILE: Final = "100644"
PROGRAM: Final = "100755"
LINK: Final = "120000"
SUBMODULE: Final = "160000"
_DIRECTORY: Final = "40000"  # git writes it without the leading zero inside a tree


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a tree: git's mode and the object's name."""

    mode: str
    oid: str


Files = Mapping[str, Entry]
"""A whole tree, flat: path with slashes → entry. Bytes that are not UTF-8 stand as surrogates."""


def blob_id(data: bytes) -> str:
    """The name that git gives to these bytes."""
    return _id(b"blob", data)


def tree_id(files: Files) -> str:
    """The name of the tree that holds these files."""
    return _tree(_nested(files))


def encode(path: str) -> bytes:
    """A path as git keeps it."""
    return path.encode(errors="surrogateescape")


def decode(path: bytes) -> str:
    """The reverse of ``encode``."""
    return path.decode(errors="surrogateescape")


def _id(kind: bytes, data: bytes) -> str:
    header = b"%s %d\0" % (kind, len(data))
    return hashlib.sha1(header + data, usedforsecurity=False).hexdigest()  # git's own choice of names


_Node = dict[bytes, "Entry | _Node"]


def _nested(files: Files) -> _Node:
    root: _Node = {}
    for path, entry in files.items():
        *above, name = encode(path).split(b"/")
        node = root
        for directory in above:
            below = node.setdefault(directory, {})
            assert isinstance(below, dict), path
            node = below
        node[name] = entry
    return root


def _tree(node: _Node) -> str:
    lines = []
    for name, value in node.items():
        is_directory = isinstance(value, dict)
        mode, oid = (_DIRECTORY, _tree(value)) if isinstance(value, dict) else (value.mode, value.oid)
        # git sorts directories as if their names ended with a slash
        lines.append((name + b"/" if is_directory else name, mode.encode() + b" " + name + b"\0" + bytes.fromhex(oid)))
    return _id(b"tree", b"".join(line for _, line in sorted(lines)))
