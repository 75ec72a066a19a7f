"""Organisations and repositories as the parts need them, and the branches that they have."""

from __future__ import annotations

from collections.abc import Iterable

from harness.forge import branches, organisations, repositories
from harness.forge.errors import Conflict, NotFound
from harness.forge.model import Repository
from harness.lifecycle.seeding import names
from harness.lifecycle.seeding.desk import Desk


def ensure_organisations(desk: Desk) -> dict[str, Repository]:
    """Make what organisations are missing; all their repositories by slug."""

    def work(item: tuple[str, str]) -> list[Repository]:
        name, description = item
        try:
            return organisations.repositories(desk.forge, name)
        except NotFound:
            organisations.ensure(desk.forge, name, description)
            return []

    found = desk.forge.gather(work, names.ORGANISATIONS.items())
    return {entry.slug: entry for group in found for entry in group}


def ensure(desk: Desk, slug: str, there: Repository | None, description: str) -> bool:
    """Make the repository, or make an archived one writable again; whether it is new."""
    if there is not None:
        if there.archived:
            repositories.archive(desk.forge, slug, archived=False)
        return False
    organisation, _, name = slug.partition("/")
    try:
        repositories.create(desk.forge, organisation, name, description=description, private=desk.private)
    except Conflict:
        return False
    return True


def heads_of(desk: Desk, slugs: Iterable[str]) -> dict[str, dict[str, str]]:
    """The branches of many repositories, their commits brought to the desk."""
    wanted = list(slugs)
    found = dict(zip(wanted, desk.forge.gather(lambda slug: branches.heads(desk.forge, slug), wanted), strict=True))
    commits = {slug: [heads[name] for name in names.BRANCHES if name in heads] for slug, heads in found.items()}
    missing = desk.scratch.missing(sha for shas in commits.values() for sha in shas)
    desk.forge.gather(desk.fetch, [slug for slug, shas in commits.items() if missing.intersection(shas)])
    return found
