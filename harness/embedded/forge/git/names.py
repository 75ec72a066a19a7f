"""Which names of refs and paths are let near git at all."""

from __future__ import annotations

import re

ZERO = "0" * 40
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|^[./-]|[./]$|^@$")
_SHA = re.compile(r"[0-9a-f]{4,40}")


def is_ref_name(name: str) -> bool:
    """Whether ``name`` may be a branch or tag (git-check-ref-format(1))."""
    return bool(name) and len(name) <= 255 and not _FORBIDDEN.search(name)


def is_sha(text: str) -> bool:
    """Whether ``text`` can abbreviate a commit."""
    return _SHA.fullmatch(text) is not None


def is_full_sha(text: str) -> bool:
    """Whether ``text`` is a whole object name."""
    return len(text) == 40 and is_sha(text)


def is_tree_path(path: str) -> bool:
    """Whether ``path`` may be a file of a commit: relative, no dots, never git's own directory."""
    parts = path.split("/")
    return bool(path) and "\x00" not in path and all(_is_part(part) for part in parts)


def _is_part(part: str) -> bool:
    folded = part.rstrip(" .").lower()
    return part not in {"", ".", ".."} and folded not in {".git", "git~1"}
