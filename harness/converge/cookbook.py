"""What a converge runs: a library's cookbook, and the library cookbook of helper modules that lies beside every one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HELPERS = Path("libs") / "helpers"
"""Where a repository keeps its helper modules (``Common``, ``Env`` …): a library cookbook without a container."""


@dataclass(frozen=True, slots=True)
class Cookbook:
    """A cookbook by its name, the folder it lies in, and the folder of the helper modules."""

    name: str
    directory: Path
    helpers: Path
    more: Mapping[str, bytes] = field(default_factory=dict)
    """Files that are made for the occasion, by their path in the cookbook (``files/x``)."""
