"""The workflows that seeding lays into the parts: a library needs none of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from harness.repo.content import LAID_IN, is_laid_in
from harness.repo.objects import FILE, Entry, blob_id
from harness.repo.parts import Part

_FOLDER: Final = Path(__file__).parent / "workflows"
_KINDS: Final = ("part", "container")
"""Folders of ``workflows``: what every part gets, and what containers get besides."""


def of_part(part: Part) -> dict[str, bytes]:
    """Path → text of the files that belong into a part's repository."""
    if not part.path:
        return {}
    kinds = _KINDS if part.container else _KINDS[:1]
    return {
        f"{LAID_IN}{file.name}": file.read_bytes() for kind in kinds for file in sorted((_FOLDER / kind).glob("*.yml"))
    }


def own(part: Part) -> dict[str, Entry]:
    """A part's files without what an earlier seeding laid in (a clone's working tree has it)."""
    return {path: entry for path, entry in part.files.items() if not (part.path and is_laid_in(path))}


def entries(laid_in: Mapping[str, bytes]) -> dict[str, Entry]:
    """The laid-in files as entries of a tree."""
    return {path: Entry(FILE, blob_id(text)) for path, text in laid_in.items()}
