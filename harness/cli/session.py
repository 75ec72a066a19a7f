"""Where a command runs: the repository, its state, the environment it hands to processes of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from harness.config import root as roots
from harness.config import share

STATE = Path("local") / "share"


def root() -> Path:
    """The repository this process was started for.

    Raises ``UsageError`` outside of one.
    """
    return roots.repository_root(os.environ, Path.cwd())


def checkout() -> Path:
    """The checkout of a job. A job stands in it even where it has no containers yet, so it is not searched for."""
    return Path(os.environ.get(roots.VARIABLE) or Path.cwd()).absolute()


def environment() -> dict[str, str]:
    """This process's environment."""
    return dict(os.environ)


def state(of: Path, environ: Mapping[str, str]) -> Path:
    """State of all targets of the repository ``of``: ``GITOPS_SHARE``, else ``local/share``."""
    named = environ.get(share.VARIABLE)
    return Path(named).absolute() if named else of / STATE


def for_child(of: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that works on the repository ``of``, wherever it is started."""
    return {**environ, roots.VARIABLE: str(of), share.VARIABLE: str(state(of, environ))}
