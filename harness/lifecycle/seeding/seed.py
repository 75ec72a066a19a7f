"""One seeding from beginning to end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.forge import branches
from harness.forge.client import Forge
from harness.forge.model import Repository
from harness.kit.files import exclusive
from harness.lifecycle.seeding import config, names, pointers, requests, stage, tasks, templates
from harness.lifecycle.seeding.archive import archive
from harness.lifecycle.seeding.desk import Desk
from harness.lifecycle.seeding.publishing import Wanted, publish
from harness.lifecycle.seeding.report import Outcome, Seeded, SeededRepository
from harness.lifecycle.seeding.repositories import ensure, ensure_organisations, heads_of
from harness.repo import content, git, snapshot
from harness.repo.committing import Author, ChangedMeanwhile
from harness.repo.parts import Part, split
from harness.repo.snapshot import Snapshot

_CONFIG_DESCRIPTION = "The whole monorepo; its parts are submodules"


def seed(
    forge: Forge,
    root: Path,
    scratch: Path,
    *,
    author: Author | None = None,
    all_requests: bool = False,
    private: bool = False,
) -> Seeded:
    """Bring the working tree at ``root`` to the forge.

    ``scratch`` is the bare repository of ours that remembers what was seeded from this working tree to this forge.
    ``all_requests``: containers' repositories get a release pull request too (the forge inside PVE), not only
    ``config`` and the stage forks. Raises ``ConfigurationError`` before anything is touched, ``ForgeError``,
    ``RemoteError`` and ``UnreachableError``.
    """
    started = forge.clock.monotonic()
    scratch.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(scratch.with_name(f".{scratch.name}.lock")):
        who = author or Author(*(git.author(root) or ()))
        desk = Desk.open(forge, scratch, who, all_requests=all_requests, private=private)
        repositories, archived, whole = _patiently(desk, root)
    return Seeded(repositories, archived, whole, forge.clock.monotonic() - started)


def _patiently(desk: Desk, root: Path) -> tuple[tuple[SeededRepository, ...], tuple[str, ...], str]:
    """Seed; a file that somebody saves meanwhile means to look again."""
    for last in (False, False, True):
        taken = snapshot.take(root, desk.scratch.path)
        try:
            return *_Seeding(desk, taken, split(root, taken.files)).run(), content.of_files(taken.files)
        except ChangedMeanwhile:
            if last:
                raise
    raise AssertionError("unreachable")


@dataclass(frozen=True, slots=True)
class _Seeding:
    desk: Desk
    taken: Snapshot
    parts: tuple[Part, ...]

    def run(self) -> tuple[tuple[SeededRepository, ...], tuple[str, ...]]:
        there = ensure_organisations(self.desk)
        fresh = self._ensure_repositories(there)
        heads = heads_of(self.desk, [*(names.part(part.name) for part in self.parts), *tasks.slugs()])
        seeded = self._parts(heads)
        top = self._config(heads[names.CONFIG], seeded)
        self._protect(fresh)
        pointed = pointers.of(self.desk, top.head)
        before = heads[names.CONFIG].get(names.TRUNK)
        gone = archive(self.desk, there, pointers.of(self.desk, before) if before else (), pointed)
        released = self._requests(heads, {**seeded, names.CONFIG: top})
        return (*released, *self._stages(heads, seeded, there), *self._tasks(heads)), gone

    def _ensure_repositories(self, there: Mapping[str, Repository]) -> list[str]:
        wanted = {names.part(part.name): _description(part) for part in self.parts}

        def work(item: tuple[str, str]) -> bool:
            slug, description = item
            return ensure(self.desk, slug, there.get(slug), description)

        made = self.desk.forge.gather(work, [*wanted.items(), *tasks.slugs().items()])
        return [slug for slug, new in zip(wanted, made, strict=False) if new]

    def _parts(self, heads: Mapping[str, Mapping[str, str]]) -> dict[str, SeededRepository]:
        """Every part but ``config``, by slug."""

        def work(part: Part) -> SeededRepository:
            return publish(self.desk, self._wanted(part), heads[names.part(part.name)])

        seeded = self.desk.forge.gather(work, [part for part in self.parts if part.path])
        return {entry.slug: entry for entry in seeded}

    def _wanted(self, part: Part) -> Wanted:
        laid_in = templates.of_part(part)
        files = {**templates.own(part), **templates.entries(laid_in)}
        directory = self.taken.root / part.path

        def read(path: str) -> bytes | None:
            return laid_in[path] if path in laid_in else snapshot.read(directory / path)

        return Wanted(part.name, files, read, directory)

    def _config(self, heads: Mapping[str, str], seeded: Mapping[str, SeededRepository]) -> SeededRepository:
        places = {part.path: seeded[names.part(part.name)].head for part in self.parts if part.path}
        top = publish(self.desk, config.wanted(self.taken.root, self.parts[-1], places), heads)
        if top.outcome not in {Outcome.ASKED, Outcome.AHEAD}:
            return top
        moved = pointers.follow(self.desk, {place.rpartition("/")[2]: sha for place, sha in places.items()})
        return replace(top, head=moved) if moved else top

    def _protect(self, fresh: list[str]) -> None:
        self.desk.forge.gather(lambda slug: branches.protect(self.desk.forge, slug, names.RELEASE), fresh)

    def _requests(
        self, heads: Mapping[str, Mapping[str, str]], seeded: Mapping[str, SeededRepository]
    ) -> list[SeededRepository]:
        """Everything seeded with its release pull request; ``config`` first."""

        def work(part: Part) -> SeededRepository:
            entry = seeded[names.part(part.name)]
            if part.path and not (self.desk.all_requests and part.container):
                return entry
            body = requests.container_body(part.name) if part.path else requests.CONFIG_BODY
            now = {**heads[entry.slug], names.TRUNK: entry.head}
            return replace(entry, release=requests.ensure(self.desk, entry.slug, now, body))

        return self.desk.forge.gather(work, reversed(self.parts))

    def _stages(
        self,
        heads: Mapping[str, Mapping[str, str]],
        seeded: Mapping[str, SeededRepository],
        there: Mapping[str, Repository],
    ) -> list[SeededRepository]:
        def work(part: Part) -> SeededRepository:
            slug = names.part(part.name)
            origin = {**heads[slug], names.TRUNK: seeded[slug].head}
            return stage.ensure(self.desk, part, origin, there.get(names.stage(part.name)))

        return self.desk.forge.gather(work, [part for part in self.parts if part.container])

    def _tasks(self, heads: Mapping[str, Mapping[str, str]]) -> list[SeededRepository]:
        return self.desk.forge.gather(lambda slug: tasks.ensure(self.desk, slug, heads[slug]), tasks.slugs())


def _description(part: Part) -> str:
    if not part.path:
        return _CONFIG_DESCRIPTION
    return f"The container {part.name}" if part.container else f"{part.path} of the monorepo"
