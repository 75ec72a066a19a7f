"""Which revision of each part a release of ``config`` deploys: never an older one than the part has released itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.forge import branches
from harness.forge.client import Forge
from harness.lifecycle.seeding import names, pointers
from harness.lifecycle.seeding.desk import Desk
from harness.repo.committing import Author


@dataclass(frozen=True, slots=True)
class PartRelease:
    """What is deployed of one part. ``pointer`` is what ``config`` says, ``sha`` what is taken."""

    place: str
    pointer: str
    sha: str

    @property
    def name(self) -> str:
        """The part's repository."""
        return self.place.rpartition("/")[2]

    @property
    def overruled(self) -> bool:
        """Whether the part's own release is newer than what ``config`` points to."""
        return self.sha != self.pointer


def of_config(forge: Forge, scratch: Path, sha: str) -> tuple[PartRelease, ...]:
    """The revisions of all parts for a release of ``config`` at ``sha``."""
    desk = Desk.open(forge, scratch, Author())
    if not desk.scratch.has(sha):
        desk.fetch(names.CONFIG)
    found = sorted(pointers.of(desk, sha).items())
    return tuple(forge.gather(lambda item: _of_part(desk, *item), found))


def _of_part(desk: Desk, place: str, pointer: str) -> PartRelease:
    slug = names.part(place.rpartition("/")[2])
    released = branches.head(desk.forge, slug, names.RELEASE)
    if released is None or released == desk.beginning:
        return PartRelease(place, pointer, pointer)
    if desk.scratch.missing([released, pointer]):
        desk.fetch(slug)
    return PartRelease(place, pointer, pointer if _contains(desk, pointer, released) else released)


def _contains(desk: Desk, newer: str, released: str) -> bool:
    """Whether ``newer`` has what was released.

    A merge leaves a commit on ``release`` that ``main`` never sees, so what counts is the tree: it stood on ``main``
    when it was accepted.
    """
    if desk.scratch.is_ancestor(released, newer):
        return True
    trees = desk.scratch.text("log", "--format=%T", newer).split()
    return desk.scratch.tree_of(released) in trees
