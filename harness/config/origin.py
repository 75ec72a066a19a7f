"""Every effective value knows the place it came from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Origin:
    """A file and line, or the words ``default`` / ``environment NAME`` / ``resolved …`` when there is no file."""

    label: str
    file: Path | None = None
    line: int | None = None

    def __str__(self) -> str:
        if self.file is None:
            return self.label
        return f"{self.file}:{self.line}" if self.line else f"{self.file}"


DEFAULT = Origin("default")
