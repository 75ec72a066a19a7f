"""Brings one repository of the forge to what the working tree holds, as far as nobody loses anything by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.forge import branches, pulls
from harness.lifecycle.seeding import beginnings, names
from harness.lifecycle.seeding.desk import Desk
from harness.lifecycle.seeding.report import Outcome, SeededRepository
from harness.lifecycle.seeding.standing import Base, Decision, Move, Standing, decide
from harness.repo import git
from harness.repo.committing import Content
from harness.repo.content import is_laid_in
from harness.repo.objects import SUBMODULE, Files, tree_id
from harness.repo.parts import ROOT
from harness.repo.remote import RemoteError
from harness.repo.submodules import FILE_NAME

_MESSAGE: Final = "Take over the working tree\n\nGitops: seed\n"
_ASK_TITLE: Final = "Changes of the working tree"
_ASK_BODY: Final = (
    "`main` has commits that the working tree does not know, so its changes were not put on top of them.\n\n"
    "Merge this to have both, then pull into the working tree."
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a repository shall hold. ``directory``: where its files lie in the working tree."""

    name: str
    files: Files
    content: Content
    directory: Path

    @property
    def slug(self) -> str:
        """``owner/name``."""
        return names.part(self.name)


def publish(desk: Desk, wanted: Wanted, heads: Mapping[str, str]) -> SeededRepository:
    """Bring ``main`` of a repository to ``wanted``; ``heads`` are its branches now, whose commits are at the desk."""
    seeded = _attempt(desk, wanted, heads)
    if seeded is None:  # somebody was faster: look again, once
        seeded = _attempt(desk, wanted, desk.fetch(wanted.slug))
    if seeded is None:
        raise RemoteError(f"push to {wanted.slug}: its main does not stand still", hint="try again")
    return seeded


def _attempt(desk: Desk, wanted: Wanted, heads: Mapping[str, str]) -> SeededRepository | None:
    """One try; None when ``main`` moved under our hands."""
    decision = decide(_standing(desk, wanted, heads.get(names.TRUNK)))
    if decision.move is Move.KEEP:
        return _kept(desk, wanted, heads)
    if decision.move is Move.WAIT:
        return SeededRepository(wanted.slug, Outcome.AHEAD, heads[names.TRUNK])
    sha = _commit(desk, wanted, decision)
    if decision.move is Move.ASK:
        return _ask(desk, wanted, heads[names.TRUNK], sha)
    return _forward(desk, wanted, heads, sha)


def _standing(desk: Desk, wanted: Wanted, head: str | None) -> Standing:
    scratch = desk.scratch
    tree, head_tree = tree_id(wanted.files), scratch.tree_of(head) if head else None
    if head and head_tree == tree:
        return Standing(tree, tree, head, head_tree, tree, ())
    part = wanted.name != ROOT
    head_essence = essence(scratch.entries(head), part=part) if head else None
    bases = tuple(_base(desk, sha, head, part=part) for sha in _origins(desk, wanted))
    return Standing(tree, essence(wanted.files, part=part), head, head_tree, head_essence, bases)


def _base(desk: Desk, sha: str, head: str | None, *, part: bool) -> Base:
    holds = head is not None and desk.scratch.is_ancestor(head, sha)
    within = head is not None and desk.scratch.is_ancestor(sha, head)
    return Base(sha, essence(desk.scratch.entries(sha), part=part), holds, within)


def essence(files: Files, *, part: bool) -> str:
    """The tree without pointers and without what seeding lays into parts."""
    own = {
        path: entry
        for path, entry in files.items()
        if entry.mode != SUBMODULE and path != FILE_NAME and not (part and is_laid_in(path))
    }
    return tree_id(own)


def _origins(desk: Desk, wanted: Wanted) -> list[str]:
    """Commits that the working tree comes from: what was seeded from here, and what a clone has checked out."""
    seeded, local = desk.scratch.ref(_seeded(wanted.name)), _checked_out(desk, wanted)
    if seeded and local and desk.scratch.is_ancestor(seeded, local):
        return [local, seeded]
    return [sha for sha in (seeded, local) if sha]


def _checked_out(desk: Desk, wanted: Wanted) -> str | None:
    """The commit that a clone of ours has checked out; a repository of another history has no say."""
    if not (git.is_work_tree(wanted.directory) and git.has_commit(wanted.directory, desk.beginning)):
        return None
    ref = f"refs/local/{wanted.name}"
    sha = desk.scratch.ref(ref) if desk.scratch.fetch_local(wanted.directory, ref) else None
    return sha if sha and desk.scratch.is_ancestor(desk.beginning, sha) else None


def _commit(desk: Desk, wanted: Wanted, decision: Decision) -> str:
    parent = decision.parent or beginnings.lay(desk, wanted.name, wanted.files, wanted.content)
    if desk.scratch.tree_of(parent) == tree_id(wanted.files):
        return parent
    return desk.commit(wanted.name, wanted.files, wanted.content, (parent,), _MESSAGE)


def _kept(desk: Desk, wanted: Wanted, heads: Mapping[str, str]) -> SeededRepository:
    head = heads[names.TRUNK]
    remember(desk, wanted.name, head)
    absent = _begun(desk, head, heads)
    if absent:
        _insist(desk, wanted.slug, absent)
    return SeededRepository(wanted.slug, Outcome.UNCHANGED, head)


def _begun(desk: Desk, head: str, heads: Mapping[str, str]) -> dict[str, str]:
    """Branches that are missing, and where each of them begins."""
    starts = {**dict.fromkeys(names.BRANCHES, desk.beginning), names.RELEASE: beginnings.of(desk, head)}
    return {name: start for name, start in starts.items() if name not in heads}


def _forward(desk: Desk, wanted: Wanted, heads: Mapping[str, str], sha: str) -> SeededRepository | None:
    """Move ``main``; ``rollback`` then holds what stood there."""
    before = heads.get(names.TRUNK)
    moved = {**_begun(desk, sha, heads), names.TRUNK: sha, **({names.ROLLBACK: before} if before else {})}
    refused = {push.branch: push.refused for push in desk.scratch.push(desk.remote, wanted.slug, moved) if push.refused}
    if names.TRUNK in refused:
        if "declined" in (refused[names.TRUNK] or ""):
            raise RemoteError(f"push to {wanted.slug}: {refused[names.TRUNK]}")
        return None
    branches.wait(desk.forge, wanted.slug, names.TRUNK, sha, desk.deadline(), before=before)
    remember(desk, wanted.name, sha)
    notes = tuple(f"{branch} was left as it is: {why}" for branch, why in refused.items())
    return SeededRepository(wanted.slug, Outcome.MOVED if before else Outcome.CREATED, sha, notes=notes)


def _ask(desk: Desk, wanted: Wanted, head: str, sha: str) -> SeededRepository:
    """Propose the working tree's changes from a branch of their own."""
    branch = f"seed-{desk.checkout}"
    if any(push.refused for push in desk.scratch.push(desk.remote, wanted.slug, {branch: sha})):
        branch = f"seed-{sha[:12]}"  # the usual one holds something else that nobody has merged
        _insist(desk, wanted.slug, {branch: sha})
    branches.wait(desk.forge, wanted.slug, branch, sha, desk.deadline())
    known = desk.scratch.ref(_seeded(wanted.name)) == sha
    remember(desk, wanted.name, sha)
    there = pulls.find_open(desk.forge, wanted.slug, base=names.TRUNK, head=branch)
    if there is None and known:  # a person has closed it, and nothing is new
        return SeededRepository(wanted.slug, Outcome.AHEAD, head)
    if there is None:
        there, _ = pulls.ensure(
            desk.forge, wanted.slug, base=names.TRUNK, head=branch, title=_ASK_TITLE, body=_ASK_BODY
        )
    return SeededRepository(wanted.slug, Outcome.ASKED, head, request=there)


def _insist(desk: Desk, slug: str, moved: Mapping[str, str]) -> None:
    for push in desk.scratch.push(desk.remote, slug, moved):
        if push.refused:
            raise RemoteError(f"push to {slug}, {push.branch}: {push.refused}")


def _seeded(name: str) -> str:
    return f"refs/seeded/{name}"


def remember(desk: Desk, name: str, sha: str) -> None:
    """Keep what the working tree was when it was seeded."""
    if desk.scratch.ref(_seeded(name)) != sha:
        desk.scratch.keep(_seeded(name), sha)
