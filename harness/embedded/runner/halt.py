"""The wish to end a job, from another thread: asked once, seen at the next look."""

from __future__ import annotations

import threading
from enum import IntEnum


class Level(IntEnum):
    """How much is to end. Higher ones include lower ones."""

    GO_ON = 0
    CANCEL = 1  # end the step; steps that run "always" still do
    INTERRUPT = 2  # end at once; the job is to be offered again
    DROP = 3  # end at once; the forge does not want it any more


class Halt:
    """What has been asked so far; it only ever grows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._level = Level.GO_ON

    @property
    def level(self) -> Level:
        """The most that was asked."""
        return self._level

    def ask(self, level: Level) -> None:
        """Ask for ``level``."""
        with self._lock:
            self._level = max(self._level, level)
