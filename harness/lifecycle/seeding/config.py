"""The repository that holds the others: its own files, a pointer to each part, and where the parts are found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.lifecycle.seeding.publishing import Wanted
from harness.repo import snapshot, submodules
from harness.repo.parts import Part


def wanted(root: Path, part: Part, pointers: Mapping[str, str]) -> Wanted:
    """``config`` with submodules ``pointers`` (place → commit)."""
    text = submodules.render(pointers)

    def content(path: str) -> bytes | None:
        return text if path == submodules.FILE_NAME else snapshot.read(root / path)

    return Wanted(part.name, {**part.files, **submodules.entries(pointers)}, content, root)
