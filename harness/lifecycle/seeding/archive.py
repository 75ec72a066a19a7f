"""A library that was removed from the tree: its repository becomes read-only, its container is left alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.forge import repositories
from harness.forge.model import Repository
from harness.lifecycle.seeding import names
from harness.lifecycle.seeding.desk import Desk
from harness.repo.parts import ROOT

_SEEDED = "refs/seeded/"


def archive(desk: Desk, there: Mapping[str, Repository], before: Iterable[str], now: Iterable[str]) -> tuple[str, ...]:
    """Archive repositories of parts that ``config`` pointed to ``before`` (or that we seeded) and does not ``now``.

    Other repositories of the organisation are not ours.
    """
    seeded = set(desk.scratch.refs(_SEEDED))
    gone = (
        ({place.rpartition("/")[2] for place in before} | seeded) - {place.rpartition("/")[2] for place in now} - {ROOT}
    )
    slugs = [slug for name in sorted(gone) for slug in (names.part(name), names.stage(name)) if _open(there.get(slug))]
    for slug in slugs:
        repositories.archive(desk.forge, slug)
    return tuple(slugs)


def _open(repository: Repository | None) -> bool:
    return repository is not None and not repository.archived
