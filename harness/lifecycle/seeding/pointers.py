"""A commit on ``main`` of a part moves the pointer to it on ``main`` of ``config``: one truth, told once.

No loop can come of it: the commit that moves a pointer is made in ``config``, and nothing in ``config`` moves a part.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from harness.forge import branches
from harness.forge.client import Forge
from harness.lifecycle.seeding import names
from harness.lifecycle.seeding.desk import Desk
from harness.repo import submodules
from harness.repo.committing import Author
from harness.repo.objects import SUBMODULE, Entry
from harness.repo.remote import RemoteError

_ATTEMPTS: Final = 8
"""Several parts may move at once; each try starts from what the others left."""


def bump(forge: Forge, scratch: Path, part: str) -> str | None:
    """Let ``config`` point to what ``main`` of ``part`` holds; the new commit of ``config``, None when it does already.

    The part is asked for its head instead of being told: notices that arrive late or out of order do no harm.
    """
    desk = Desk.open(forge, scratch, Author(names.ACCOUNT, f"{names.ACCOUNT}@localhost"))
    head = branches.head(forge, names.part(part), names.TRUNK)
    return follow(desk, {part: head}) if head else None


def follow(desk: Desk, heads: Mapping[str, str]) -> str | None:
    """Move the pointers to parts (name → commit); the new commit of ``config``, None when all stand there already."""
    trunk = branches.head(desk.forge, names.CONFIG, names.TRUNK)
    for _ in range(_ATTEMPTS):
        if trunk is None or not desk.scratch.has(trunk):
            trunk = desk.fetch(names.CONFIG).get(names.TRUNK) if trunk else None
        made = _commit(desk, trunk, heads) if trunk else None
        if made is None:
            return None
        (pushed,) = desk.scratch.push(desk.remote, names.CONFIG, {names.TRUNK: made})
        if pushed.refused is None:
            branches.wait(desk.forge, names.CONFIG, names.TRUNK, made, desk.deadline(), before=trunk)
            return made
        if "declined" in pushed.refused:
            break
        trunk = desk.fetch(names.CONFIG).get(names.TRUNK)
    raise RemoteError(f"push to {names.CONFIG}: pointers could not be moved", hint="the next commit tries again")


def _commit(desk: Desk, trunk: str, heads: Mapping[str, str]) -> str | None:
    files = desk.scratch.entries(trunk)
    moved = {
        path: Entry(SUBMODULE, heads[name])
        for path, entry in files.items()
        if entry.mode == SUBMODULE and (name := path.rpartition("/")[2]) in heads and entry.oid != heads[name]
    }
    if not moved:
        return None
    told = ", ".join(f"{path.rpartition('/')[2]} to {entry.oid[:12]}" for path, entry in sorted(moved.items()))
    return desk.commit("pointers", {**files, **moved}, _nothing, (trunk,), f"Move {told}\n\nGitops: pointer\n")


def _nothing(path: str) -> bytes | None:
    """Everything that ``config`` holds is in the commit before."""
    raise AssertionError(path)


def of(desk: Desk, sha: str) -> dict[str, str]:
    """Place → commit of the parts that a commit of ``config`` points to."""
    return submodules.pointers(desk.scratch, sha)
