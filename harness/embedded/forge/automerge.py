"""The thread that merges pull requests which wait for their checks."""

from __future__ import annotations

import logging
import threading

from harness.embedded.forge.forge import Forge
from harness.embedded.forge.services import automatic

_PAUSE_SECONDS = 30.0  # news rings; this is for what nobody told
_log = logging.getLogger(__name__)


class AutoMerger:
    """Looks whenever a check, a verdict or a wish is new."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the merge under way."""
        self._stop.set()
        self._forge.checks.ring()
        self._thread.join(10)

    def _work(self) -> None:
        seen = -1  # what a forge before this one left is looked at first
        while not self._stop.is_set():
            self._forge.checks.wait(seen, _PAUSE_SECONDS)
            seen = self._forge.checks.count
            try:
                automatic.merge_ready(self._forge)
            except Exception:  # the next news tries again
                _log.exception("merging by itself failed")
        self._forge.db.close()
