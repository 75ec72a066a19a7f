"""Remembers what was made of something that never changes: a commit, a tree, a blob."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

T = TypeVar("T")


class Memory:
    """The ``most`` values used last. ``value`` makes what it does not know."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = threading.Lock()

    def value(self, key: Hashable, make: Callable[[], T]) -> T:
        """What ``key`` stands for; two threads may make it at once, which is harmless."""
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return cast("T", self._known[key])
        made = make()
        with self._lock:
            self._known[key] = made
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return made
