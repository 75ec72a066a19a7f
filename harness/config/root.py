"""Which directory is the repository."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.kit.errors import UsageError

VARIABLE = "GITOPS_ROOT"


def repository_root(environ: Mapping[str, str], start: Path) -> Path:
    """``GITOPS_ROOT`` where it is set, else the nearest directory from ``start`` upwards with config.env and libs/.

    Raises ``UsageError`` when there is none.
    """
    if environ.get(VARIABLE):
        return Path(environ[VARIABLE]).absolute()
    for directory in (start, *start.parents):
        if (directory / "config.env").is_file() and (directory / "libs").is_dir():
            return directory
    hint = f"change into the repository, or set {VARIABLE}"
    raise UsageError(f"{start} is not in a repository with config.env and libs/", hint=hint)
