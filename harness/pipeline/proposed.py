"""A pull request's files as data: written out from git's objects, never checked out, sourced, imported or run.

No checkout means no filters, no attributes, no hooks and no submodule addresses of the proposal: parts are fetched from
this forge's own repositories, whatever the proposed ``.gitmodules`` says.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final

from harness.kit.errors import ConfigurationError, Problem
from harness.lifecycle.seeding import names
from harness.pipeline.scope import Scope
from harness.repo import identity
from harness.repo.objects import LINK, PROGRAM, SUBMODULE, Entry
from harness.repo.parts import HARNESS, LIBRARIES
from harness.repo.remote import Remote, RemoteError
from harness.repo.scratch import Scratch
from harness.repo.tree import SKIPPED_DIRECTORIES

MOST_FILES: Final = 20_000
MOST_BYTES: Final = 128 * 1024 * 1024
_FORBIDDEN: Final = frozenset({"", ".", "..", ".git"})
_PRIVATE: Final = ("local/share", "local/config.json")
_LINK_RULE: Final = "a link in a proposal leads to a file of the proposal"


@dataclass(frozen=True, slots=True)
class Piece:
    """Commit ``sha`` of repository ``slug``, to lie in the directory ``place`` (empty: the root)."""

    slug: str
    sha: str
    place: str = ""


class Proposed:
    """Writes a proposal below ``root``, an empty directory of ours.

    ``newer``: commits of parts that are deployed instead of what the proposal points to, by place.
    """

    def __init__(self, root: Path, scratch: Scratch, remote: Remote, newer: Mapping[str, str] | None = None) -> None:
        self.root = root
        self._newer = newer or {}
        self._scratch = scratch
        self._remote = remote
        self._files = 0
        self._bytes = 0
        self._links: list[tuple[str, bytes]] = []

    def write(self, piece: Piece) -> None:
        """Lay out a piece and the parts that it points to.

        Raises ``ConfigurationError`` for what is no file of ours to read, ``RemoteError`` for a commit that is not
        there.
        """
        self._fetch(piece)
        self._write(piece)

    def finish(self) -> None:
        """Lay out the links, now that all they may lead to is there; raises ``ConfigurationError`` for one that leads
        out."""
        for path, target in self._links:
            if not self._inside((self.root / path).parent):  # through a link that was laid out just now
                self._refuse([path])
            self._made(path, partial(_link, os.fsdecode(target)))
        self._refuse(path for path, _ in self._links if not self._inside(self.root / path))

    def _inside(self, path: Path) -> bool:
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.root))

    def _refuse(self, paths: Iterable[str]) -> None:
        problems = [Problem(Path(path), None, "a link that leads out of the repository", _LINK_RULE) for path in paths]
        if problems:
            shutil.rmtree(self.root)  # nothing may follow them, not even by mistake
            raise ConfigurationError(problems)

    def _fetch(self, piece: Piece) -> None:
        if not self._scratch.has(piece.sha):
            self._scratch.fetch(self._remote, piece.slug, f"+{piece.sha}:refs/proposed/{piece.sha}", depth=1)

    def _write(self, piece: Piece) -> None:
        entries = self._scratch.entries(piece.sha)
        _check_names(piece, entries)
        self._count(piece, len(entries))
        contents = self._scratch_contents(piece, entries)
        for path, entry in entries.items():
            full = f"{piece.place}/{path}" if piece.place else path
            if entry.mode == SUBMODULE:
                self._part(full, entry.oid)
            elif entry.mode == LINK:
                self._links.append((full, contents[entry.oid]))
            else:
                self._file(full, contents[entry.oid], program=entry.mode == PROGRAM)

    def _scratch_contents(self, piece: Piece, entries: dict[str, Entry]) -> dict[str, bytes]:
        oids = {entry.oid for entry in entries.values() if entry.mode != SUBMODULE}
        sizes = self._scratch.sizes(oids)
        self._bytes += sum(sizes.values())
        if self._bytes > MOST_BYTES:
            raise _too_much(piece)
        return self._scratch.contents(oids)

    def _file(self, path: str, data: bytes, *, program: bool) -> None:
        self._made(path, lambda where: where.write_bytes(data))
        (self.root / path).chmod(0o700 if program else 0o600)

    def _made(self, path: str, make: Callable[[Path], object]) -> None:
        where = self.root / path
        try:
            where.parent.mkdir(parents=True, exist_ok=True)
            make(where)
        except OSError as error:
            found = f"cannot be written: {error.strerror}"
            raise ConfigurationError([Problem(Path(path), None, found, "a file, a folder or a link")]) from error

    def _part(self, place: str, sha: str) -> None:
        """A submodule: the forge's repository of that name, at the commit that is pointed to."""
        name = PurePosixPath(place).name
        if place not in (HARNESS, f"{LIBRARIES}/{name}"):
            problem = Problem(Path(place), None, "a submodule", "parts are `harness` and the folders of `libs/`")
            raise ConfigurationError([problem])
        part = Piece(names.part(name), self._newer.get(place, sha), place)
        try:
            self._fetch(part)
        except RemoteError as error:
            found = f"a pointer to {sha[:12]}, which {part.slug} does not have"
            raise ConfigurationError([Problem(Path(place), None, found, "push the part first")]) from error
        self._write(part)

    def _count(self, piece: Piece, files: int) -> None:
        self._files += files
        if self._files > MOST_FILES:
            raise _too_much(piece)


def _link(target: str, where: Path) -> None:
    where.symlink_to(target)


def _too_much(piece: Piece) -> ConfigurationError:
    rule = f"at most {MOST_FILES} files and {MOST_BYTES // 1024**2} MiB"
    return ConfigurationError([Problem(None, None, f"{piece.slug} at {piece.sha[:12]} is too large", rule)])


def _check_names(piece: Piece, paths: Iterable[str]) -> None:
    """git itself would refuse to check these out; we write files ourselves."""
    for path in paths:
        words = path.split("/")
        if any(word.lower() in _FORBIDDEN for word in words) or "\0" in path or "\n" in path:
            problem = Problem(Path(piece.place) / "…", None, repr(path), "no such name is written to a disk")
            raise ConfigurationError([problem])


def lay_beneath(target: Path, trusted: Path, *, without: str = "") -> None:
    """Copy the trusted tree's files, but for the directory ``without`` that the proposal brings itself."""

    def skipped(directory: str, found: list[str]) -> set[str]:
        here = Path(directory).relative_to(trusted)
        return {name for name in found if name in SKIPPED_DIRECTORIES or str(here / name) in (without, *_PRIVATE)}

    shutil.copytree(trusted, target, symlinks=True, ignore=skipped, dirs_exist_ok=True)


def lend_identity(target: Path, trusted: Path) -> None:
    """A proposal that says nothing else belongs to the repository that it is made to."""
    known = trusted / identity.FILE
    if known.is_file() and not (target / identity.FILE).exists():
        (target / identity.FILE).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(known, target / identity.FILE)


def missing(where: Scope) -> ConfigurationError:
    """A repository that describes no container, or none of that stage."""
    file = f"config.{where.stage}.env" if where.stage else "config.env"
    rule = f"{'a stage' if where.stage else 'a container'} has a {file} with ID and IP of its own"
    found = f"no container {'-'.join(filter(None, (where.stage, where.names[0])))}"
    return ConfigurationError([Problem(Path(where.place) / file, None, found, rule, "docs/libraries.md")])
