"""The thread that merges pull requests which wait for their checks."""

from __future__ import annotations

from harness.embedded.forge.forge import Forge
from harness.embedded.forge.services import automatic
from harness.embedded.forge.worker import Worker

_PAUSE_SECONDS = 30.0  # news rings; this is for what nobody told


class AutoMerger(Worker):
    """Looks whenever a check, a verdict or a wish is new."""

    def __init__(self, forge: Forge) -> None:
        super().__init__(forge, forge.checks)
        self._seen = -1  # what a forge before this one left is looked at first

    def _round(self) -> None:
        self._forge.checks.wait(self._seen, _PAUSE_SECONDS)
        self._seen = self._forge.checks.count
        automatic.merge_ready(self._forge)
