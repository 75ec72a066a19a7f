"""Forks of the container repositories, from which containers are tried out beside the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.forge import branches, pulls, repositories
from harness.forge.model import Repository
from harness.lifecycle.seeding import beginnings, names, requests
from harness.lifecycle.seeding.desk import Desk
from harness.lifecycle.seeding.report import Outcome, SeededRepository
from harness.lifecycle.seeding.repositories import heads_of
from harness.repo.parts import STAGE_FILE, Part
from harness.repo.remote import RemoteError

_UPSTREAM = "upstream"
_TITLE = "Changes of the container"
_BODY = "The container's own repository has moved on, and this fork has commits of its own: merge this to have both."


def ensure(desk: Desk, part: Part, origin: Mapping[str, str], there: Repository | None) -> SeededRepository:
    """The fork of a container, following the original where it can; ``origin`` are the original's branches."""
    slug = names.stage(part.name)
    if there is None:
        _fork(desk, part, origin)
    elif there.archived:
        repositories.archive(desk.forge, slug, archived=False)
    heads = heads_of(desk, [slug])[slug]
    seeded = _follow(desk, slug, heads, origin[names.TRUNK])
    body = requests.stage_body(part.name, ready=STAGE_FILE in part.files)
    release = requests.ensure(desk, slug, {**heads, names.TRUNK: seeded.head}, body)
    outcome = Outcome.CREATED if there is None else seeded.outcome
    return replace(seeded, release=release, outcome=outcome)


def _fork(desk: Desk, part: Part, origin: Mapping[str, str]) -> None:
    slug = names.stage(part.name)
    repositories.fork(desk.forge, names.part(part.name), names.STAGE)
    # Gitea switches workflows off in forks.
    repositories.edit(desk.forge, slug, has_actions=True)
    branches.wait(desk.forge, slug, names.TRUNK, origin[names.TRUNK], desk.deadline())
    start = beginnings.of(desk, origin[names.TRUNK])
    if origin.get(names.RELEASE, start) != start:
        # What the original has released was never released as a stage.
        branches.delete(desk.forge, slug, names.RELEASE)
        branches.create(desk.forge, slug, names.RELEASE, start=start)
    branches.protect(desk.forge, slug, names.RELEASE)


def _follow(desk: Desk, slug: str, heads: Mapping[str, str], origin: str) -> SeededRepository:
    head = heads[names.TRUNK]
    if desk.scratch.is_ancestor(origin, head):
        return SeededRepository(slug, Outcome.UNCHANGED, head)
    if desk.scratch.is_ancestor(head, origin):
        _push(desk, slug, {names.TRUNK: origin, names.ROLLBACK: head})
        branches.wait(desk.forge, slug, names.TRUNK, origin, desk.deadline())
        return SeededRepository(slug, Outcome.MOVED, origin)
    if heads.get(_UPSTREAM) != origin:
        _push(desk, slug, {_UPSTREAM: origin})
        branches.wait(desk.forge, slug, _UPSTREAM, origin, desk.deadline())
    request, _ = pulls.ensure(desk.forge, slug, base=names.TRUNK, head=_UPSTREAM, title=_TITLE, body=_BODY)
    return SeededRepository(slug, Outcome.ASKED, head, request=request)


def _push(desk: Desk, slug: str, moved: Mapping[str, str]) -> None:
    for push in desk.scratch.push(desk.remote, slug, moved):
        if push.refused and push.branch != names.ROLLBACK:
            raise RemoteError(f"push to {slug}, {push.branch}: {push.refused}", hint="try again")
