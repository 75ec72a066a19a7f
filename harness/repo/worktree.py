"""Which files of the working tree belong to the monorepo: tracked and untracked ones, never ignored or secret ones.

The user's index and work tree are read only. Works without ``.git`` as well: a bare repository of ours lends git's
rules for ``.gitignore``.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Final

from harness.kit import process
from harness.kit.errors import UsageError
from harness.repo import git
from harness.repo.objects import decode
from harness.repo.tree import SKIPPED_DIRECTORIES, SKIPPED_ENDINGS

_SECRET: Final = re.compile(r"local/(config\.json|share(/.*)?)|(.*/)?[^/]*\.local\.(env|json)")
"""What stays on the workstation whatever git says of it: it holds logins."""
_READ_ONLY: Final = {"GIT_OPTIONAL_LOCKS": "0"}


def is_secret(path: str) -> bool:
    """Whether a file (relative to the root) never travels through git, even one that is tracked."""
    return bool(_SECRET.fullmatch(path))


def files(root: Path, bare: Path) -> list[str]:
    """Paths below ``root`` that belong to the monorepo, sorted; submodules and nested repositories are resolved.

    ``bare`` is any bare repository of ours. Raises ``RepositoryError``, and ``UsageError`` for a submodule that was
    never fetched (its files would look removed).
    """
    return sorted(path for path in _below(root, bare, "") if not is_secret(path))


def _below(root: Path, bare: Path, prefix: str) -> list[str]:
    place = root / prefix
    tracked = _listed(place, bare, "--cached") if git.is_work_tree(place) else []
    untracked = [path for path in _listed(place, bare, "--others", "--exclude-standard") if _wanted(path)]
    found: list[str] = []
    for path in dict.fromkeys([*tracked, *untracked]):
        name = path.rstrip("/")
        if name == ".gitmodules" or name.endswith("/.gitmodules"):
            continue  # submodules are resolved; seeding writes its own
        if (place / name).is_dir() and not (place / name).is_symlink():
            found += _nested(root, bare, f"{prefix}{name}/", submodule=path in tracked)
        else:
            found.append(prefix + name)
    return found


def _nested(root: Path, bare: Path, prefix: str, *, submodule: bool) -> list[str]:
    """Files of a submodule, or of a repository that lies inside."""
    if git.is_work_tree(root / prefix):
        return _below(root, bare, prefix)
    if submodule:
        raise UsageError(
            f"{prefix.rstrip('/')}: the submodule has not been fetched", hint="git submodule update --init --recursive"
        )
    return []


def _listed(place: Path, bare: Path, *what: str) -> list[str]:
    own = git.is_work_tree(place)
    where = ["-C", str(place)] if own else [f"--git-dir={bare}", f"--work-tree={place}"]
    done = process.run(["git", *where, "ls-files", "-z", *what], env=_READ_ONLY, cwd=place, check=False)
    if done.code:
        raise git.unreadable(place, done.error_text)
    return [decode(path) for path in done.stdout.split(b"\0") if path]


def _wanted(path: str) -> bool:
    """Whether an untracked path can have been written on purpose."""
    return not path.endswith(SKIPPED_ENDINGS) and not SKIPPED_DIRECTORIES.intersection(PurePosixPath(path).parts)
