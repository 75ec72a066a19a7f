"""Threads that work beside the requests, from the forge's start to its end."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod

from harness.embedded.forge.forge import Bell, Forge

_LONGEST_ROUND_SECONDS = 10.0
_PAUSE_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Worker(ABC):
    """Does one round after the other until it is stopped; ``bell`` rings when a round that waits is to look again."""

    def __init__(self, forge: Forge, bell: Bell | None = None, *, threads: int = 1) -> None:
        self._forge = forge
        self._bell = bell
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after the rounds under way."""
        self._stop.set()
        if self._bell:
            self._bell.ring()
        for thread in self._threads:
            thread.join(_LONGEST_ROUND_SECONDS)

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                self._round()
            except Exception:  # the next round tries again: one that failed must not end all that come after it
                _log.exception("%s failed", type(self).__name__)
                self._stop.wait(_PAUSE_SECONDS)
        self._forge.db.close()

    @abstractmethod
    def _round(self) -> None:
        """Wait for work, not for ever, and do it."""
