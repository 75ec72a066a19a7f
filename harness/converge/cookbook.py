"""What a converge runs: a library's cookbook, and the library cookbook of helper modules that lies beside every one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HELPERS = Path("libs") / "helpers"
"""Where a repository keeps its helper modules (``Common``, ``Env`` …): a library cookbook without a container."""


@dataclass(frozen=True, slots=True)
class Cookbook:
    """A cookbook by its name, the folder it lies in, and the folder of the helper modules."""

    name: str
    directory: Path
    helpers: Path
