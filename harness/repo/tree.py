"""Content hashes of the repository's files: what a revision is made of."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path, PurePosixPath

from harness.repo import git

Wanted = Callable[[PurePosixPath], bool]
"""Decides on a path relative to the directory that is hashed."""

# What no tool writes into a repository on purpose; git's own list of ignored files adds to it where there is git.
SKIPPED_DIRECTORIES = {".git", "__pycache__", ".venv", ".nox", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
SKIPPED_ENDINGS = (".pyc", ".swp", "~")


class Tree:
    """The files below a root, listed once however many directories are hashed."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    @cached_property
    def _by_directory(self) -> dict[PurePosixPath, list[PurePosixPath]]:
        """Every directory with all files below it, relative to the root."""
        index: dict[PurePosixPath, list[PurePosixPath]] = {}
        for path in sorted(self._files()):
            for above in path.parents:
                index.setdefault(above, []).append(path)
        return index

    def _files(self) -> Iterable[PurePosixPath]:
        listed = git.files(self.root) if git.is_work_tree(self.root) else walk(self.root)
        return (PurePosixPath(path) for path in listed if _counts(PurePosixPath(path)))

    def files(self, directory: Path, wanted: Wanted | None = None) -> list[PurePosixPath]:
        """Files below ``directory``, relative to it, sorted."""
        below = PurePosixPath(directory.resolve().relative_to(self.root))
        relative = [path.relative_to(below) for path in self._by_directory.get(below, ())]
        return [path for path in relative if wanted is None or wanted(path)]

    def digest(self, directory: Path, wanted: Wanted | None = None) -> str:
        """SHA-256 over relative path, executable bit and content of each file; hex."""
        return digest_of(directory, self.files(directory, wanted))

    def mentions(self, directory: Path, words: Iterable[bytes], wanted: Wanted | None = None) -> bool:
        """Whether one of these files holds one of ``words``."""
        texts = (_text(directory / path) for path in self.files(directory, wanted))
        return any(word in text for text in texts for word in words)


def walk(root: Path) -> list[Path]:
    """All files below ``root`` without git's help, relative to it."""
    found = []
    for directory, names, files in os.walk(root):
        names[:] = [name for name in names if name not in SKIPPED_DIRECTORIES]
        found += [(Path(directory) / name).relative_to(root) for name in files]
        found += [(Path(directory) / name).relative_to(root) for name in names if (Path(directory) / name).is_symlink()]
    return found


def _counts(path: PurePosixPath) -> bool:
    return not path.name.endswith(SKIPPED_ENDINGS) and not SKIPPED_DIRECTORIES.intersection(path.parts)


def package_digest(directory: Path) -> str:
    """The hash of an installed package's files, wherever it lies."""
    return digest_of(directory, sorted(package_files(directory)))


def package_files(directory: Path) -> list[PurePosixPath]:
    """The files of an installed package, relative to it: all but what tools leave behind."""
    return [path for path in map(PurePosixPath, walk(directory)) if _counts(path)]


def digest_of(directory: Path, files: Iterable[PurePosixPath]) -> str:
    """The hash of these files; one that has gone meanwhile counts as not there."""
    total = hashlib.sha256()
    for relative in files:
        entry = _entry(directory / relative)
        if entry is not None:
            name = str(relative).encode(errors="surrogateescape")
            total.update(b"%d:%s%d:%s" % (len(name), name, len(entry), entry))
    return total.hexdigest()


def _text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return b""


def _entry(path: Path) -> bytes | None:
    """Kind, executable bit and content."""
    try:
        if path.is_symlink():
            return b"link " + os.fsencode(path.readlink())
        executable = b"x" if path.stat().st_mode & 0o100 else b"-"
        return executable + hashlib.sha256(path.read_bytes()).digest()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
