"""Where ``release`` begins: with what checks the first pull request, and without any container.

A pull request is checked by the workflow, noxfile and harness of the branch that it is to go into. So these must stand
on ``release`` before anything was ever released, and what they are to check must not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from harness.lifecycle.seeding.desk import Desk
from harness.repo import submodules
from harness.repo.committing import Content
from harness.repo.content import is_laid_in
from harness.repo.objects import SUBMODULE, Entry
from harness.repo.parts import HARNESS, ROOT

_CONTAINERS: Final = re.compile(r"config(\.[^/]*)?\.env|libs(/.*)?|\.gitmodules")
_MESSAGE: Final = "Lay down what checks proposals\n\nGitops: seed\n"


def lay(desk: Desk, name: str, files: Mapping[str, Entry], content: Content) -> str:
    """The first commit of a new repository's history, on top of the beginning that all share."""
    chosen = _of_config(files) if name == ROOT else {path: one for path, one in files.items() if is_laid_in(path)}
    if not chosen:
        return desk.beginning
    text = submodules.render(path for path, one in chosen.items() if one.mode == SUBMODULE)

    def read(path: str) -> bytes | None:
        return text if path == submodules.FILE_NAME else content(path)

    return desk.commit(name, chosen, read, (desk.beginning,), _MESSAGE)


def _of_config(files: Mapping[str, Entry]) -> dict[str, Entry]:
    kept = {path: one for path, one in files.items() if not _CONTAINERS.fullmatch(path)}
    harness = {path: one.oid for path, one in files.items() if path == HARNESS and one.mode == SUBMODULE}
    return {**kept, **submodules.entries(harness)}


def of(desk: Desk, head: str) -> str:
    """The same commit, found again in the history of ``head``."""
    line = desk.scratch.text("rev-list", "--first-parent", "--reverse", f"{desk.beginning}..{head}").split()
    return line[0] if line and desk.scratch.is_ancestor(desk.beginning, head) else desk.beginning
