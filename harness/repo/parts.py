"""How the monorepo is cut: ``harness`` and every library are repositories of their own, the rest is ``config``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.kit.errors import ConfigurationError, Problem
from harness.repo.objects import Entry

ROOT: Final = "config"
"""The repository that holds the others as submodules."""
HARNESS: Final = "harness"
LIBRARIES: Final = "libs"
CONFIG_FILE: Final = "config.env"
STAGE_FILE: Final = "config.stage.env"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,98}")
_ENDINGS: Final = (".git", ".wiki", ".rss", ".atom")  # names that Gitea keeps for itself


@dataclass(frozen=True, slots=True)
class Part:
    """One repository of the monorepo. ``path`` is where it lies in ``config``, empty for ``config`` itself."""

    name: str
    path: str
    files: Mapping[str, Entry]

    @property
    def container(self) -> bool:
        """Whether it describes a container (the root describes the control plane's)."""
        return self.path.startswith(f"{LIBRARIES}/") and CONFIG_FILE in self.files


def split(root: Path, files: Mapping[str, Entry]) -> tuple[Part, ...]:
    """All parts, ``config`` last; raises ``ConfigurationError`` for names that no repository can have."""
    found: dict[str, dict[str, Entry]] = {}
    for path, entry in files.items():
        place = place_of(path)
        found.setdefault(place, {})[path[len(place) :].lstrip("/")] = entry
    root_files = found.pop("", {})
    _check_names(root, sorted(found))
    parts = [Part(place.rpartition("/")[2], place, below) for place, below in sorted(found.items())]
    return (*parts, Part(ROOT, "", root_files))


def place_of(path: str) -> str:
    """The place of the part that a file belongs to; empty for ``config``."""
    first, *rest = path.split("/")
    if first == HARNESS and rest:
        return HARNESS
    return f"{LIBRARIES}/{rest[0]}" if first == LIBRARIES and len(rest) > 1 else ""


def _check_names(root: Path, places: list[str]) -> None:
    problems, seen = [], {ROOT: "the monorepo itself"}
    for place in places:
        name = place.rpartition("/")[2]
        if not _NAME.fullmatch(name) or name.lower().endswith(_ENDINGS):
            rule = "becomes a repository: letters, digits, `.`, `_` and `-`, not ending in " + ", ".join(_ENDINGS)
            problems.append(Problem(root / place, None, repr(name), rule))
        other = seen.setdefault(name.lower(), place)
        if other != place:
            rule = f"becomes a repository of the same name as {other}"
            problems.append(Problem(root / place, None, repr(name), rule, "rename the folder"))
    if problems:
        raise ConfigurationError(problems)
