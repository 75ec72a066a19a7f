"""What git knows of the repository; everything works without it as well."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.kit import process
from harness.kit.errors import HarnessError

if TYPE_CHECKING:
    from git import Repo

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # GitPython would refuse to load on a machine without git


class RepositoryError(HarnessError):
    """git is there but cannot read the repository."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What is checked out. ``dirty``: a tracked file differs from it."""

    sha: str
    dirty: bool

    @property
    def label(self) -> str:
        """Short form for people: ``1a2b3c4d5e6f``, with ``+`` when files differ from it."""
        return self.sha[:12] + ("+" if self.dirty else "")


@contextmanager
def _opened(root: Path) -> Iterator[Repo]:
    """The repository at ``root``; raises ``RepositoryError`` for what goes wrong with it."""
    import git  # noqa: PLC0415 - takes long to load; a deploy signs in at its target before it asks git anything

    try:
        with git.Repo(root) as repository:
            yield repository
    except (git.exc.GitError, OSError, ValueError) as error:
        raise unreadable(root, str(error)) from error


def is_work_tree(root: Path) -> bool:
    """Whether ``root`` itself is the top of a git work tree (a folder inside someone else's is not)."""
    return (root / ".git").exists()


def commit(root: Path) -> Commit | None:
    """The commit that is checked out; None without git or before the first commit."""
    if not is_work_tree(root):
        return None
    with _opened(root) as repository:
        if not repository.head.is_valid():
            return None
        return Commit(repository.head.commit.hexsha, repository.is_dirty(submodules=False))


def files(root: Path) -> list[Path]:
    """Every file below ``root`` that is tracked or could be (ignored ones are left out), nested repositories included.

    Relative to ``root``; raises ``RepositoryError``.
    """
    with _opened(root) as repository:
        listed = repository.git.ls_files("--cached", "--others", "--exclude-standard", "-z")
    found: list[Path] = []
    for name in dict.fromkeys(part for part in listed.split("\0") if part):
        path = Path(name.rstrip("/"))
        if (root / path).is_dir() and not (root / path).is_symlink():
            found += [path / inner for inner in _nested(root / path)]
        else:
            found.append(path)
    return found


def _nested(directory: Path) -> list[Path]:
    """Files of a submodule, or of a repository lying inside this one."""
    return files(directory) if is_work_tree(directory) else []


def unreadable(root: Path, text: str) -> RepositoryError:
    """What git said when it could not read ``root``, with what helps."""
    if "dubious ownership" in text:
        hint = f"git config --global --add safe.directory {root}"
    elif "not found" in text:  # as GitPython and the shell say it of a missing program
        hint = "install git"
    else:
        hint = f"git -C {root} status"
    return RepositoryError(f"git cannot read {root}", hint=hint, detail=text)


def has_commit(root: Path, sha: str) -> bool:
    """Whether the repository at ``root`` has that commit."""
    return not process.run(["git", "-C", str(root), "cat-file", "-e", f"{sha}^{{commit}}"], check=False).code


def author(root: Path) -> tuple[str, str] | None:
    """Name and address that git would sign a commit at ``root`` with; None when nobody has told it."""
    place = ["-C", str(root)] if is_work_tree(root) else []
    found = [
        process.run(["git", *place, "config", key], check=False).text.strip() for key in ("user.name", "user.email")
    ]
    return (found[0], found[1]) if all(found) else None
