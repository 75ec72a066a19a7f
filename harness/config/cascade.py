"""``config.env``, ``config.local.env`` and ``config.<stage>.env`` become one set of values; the later file wins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.config import dotenv
from harness.config.origin import Origin
from harness.kit.errors import Problem

LOCAL = "local"
"""The override that stays on this machine (git-ignored); no stage can have this name."""


@dataclass(frozen=True, slots=True)
class Value:
    """The text of one key and the line that it came from."""

    text: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Layered:
    """The effective values of one directory, by key, and what could not be read."""

    values: dict[str, Value]
    problems: tuple[Problem, ...]


def files(directory: Path, stage: str | None = None) -> tuple[Path, ...]:
    """The files that exist, weakest first."""
    names = ["config.env", f"config.{LOCAL}.env"]
    if stage is not None:
        names.append(f"config.{stage}.env")
    return tuple(path for path in (directory / name for name in names) if path.is_file())


def read(directory: Path, root: Path, stage: str | None = None) -> Layered:
    """The values of ``directory``; origins name files relative to ``root``."""
    values: dict[str, Value] = {}
    problems: list[Problem] = []
    for path in files(directory, stage):
        shown = path.relative_to(root)
        parsed = dotenv.read(path, shown)
        problems.extend(parsed.problems)
        for assignment in parsed.assignments:
            origin = Origin(str(shown), shown, assignment.line)
            values[assignment.key] = Value(assignment.value, origin)
    return Layered(values, tuple(problems))
