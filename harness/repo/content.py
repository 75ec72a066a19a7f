"""One hash for the whole tree, equal wherever the monorepo lies: workstation, local forge, forge inside PVE."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from harness.repo import snapshot
from harness.repo.objects import SUBMODULE, Entry, encode
from harness.repo.parts import place_of
from harness.repo.scratch import Scratch

LAID_IN: Final = ".gitea/workflows/gitops-"
"""Files of a part whose path begins so are laid in by seeding; they are no content of the working tree."""


def is_laid_in(path: str) -> bool:
    """Whether ``path``, relative to its part, comes from seeding."""
    return path.startswith(LAID_IN)


def of_files(files: Mapping[str, Entry]) -> str:
    """SHA-256 over path, mode and content of each file of a whole tree (submodules resolved), hex."""
    total = hashlib.sha256()
    for path, entry in sorted(files.items(), key=lambda item: encode(item[0])):
        place = place_of(path)
        if entry.mode == SUBMODULE or path.rpartition("/")[2] == ".gitmodules":
            continue
        if not (place and is_laid_in(path[len(place) + 1 :])):
            total.update(b"%s %s %s\0" % (entry.mode.encode(), entry.oid.encode(), encode(path)))
    return total.hexdigest()


def of_tree(root: Path) -> str:
    """The same of a working tree, a clone with its submodules too."""
    with tempfile.TemporaryDirectory(prefix="gitops-") as directory:
        bare = Scratch.open(Path(directory) / "bare.git")
        return of_files(snapshot.take(root, bare.path).files)
