"""Brings logs and outcomes to the forge: at once while it is there, later when it is away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from harness.embedded.runner.client import Client, ForgeAwayError, RefusedError, TaskGoneError
from harness.embedded.runner.halt import Level
from harness.embedded.runner.spool import TaskSpool

_log = logging.getLogger(__name__)
_BATCH = 0.2  # seconds in which lines are gathered
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0


class Courier:
    """A thread that empties the spools. ``halt`` ends a task that is to be cancelled or is not wanted any more."""

    def __init__(self, client: Callable[[], Client], halt: Callable[[int, Level], None]) -> None:
        self._make = client
        self._halt = halt
        self._spools: dict[int, TaskSpool] = {}
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._idle = threading.Condition(self._lock)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="courier", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def changed(self) -> None:
        """A spool has something to tell."""
        self._news.set()

    def add(self, spool: TaskSpool) -> None:
        """Deliver it from now on until its conclusion is told; then remove it."""
        with self._lock:
            self._spools[spool.task] = spool
        self.changed()

    def tasks(self) -> list[int]:
        """Tasks whose end the forge has not heard of."""
        with self._lock:
            return sorted(self._spools)

    def flush(self, seconds: float) -> bool:
        """Wait until everything is told, at most ``seconds``."""
        self.changed()
        with self._idle:
            return self._idle.wait_for(lambda: not self._spools, seconds)

    def stop(self) -> None:
        """End the thread; what is not told stays on disk."""
        self._stopped.set()
        self.changed()

    def _work(self) -> None:
        client, pause = self._make(), _FIRST_PAUSE
        while not self._stopped.is_set():
            self._news.wait()
            self._stopped.wait(_BATCH)
            self._news.clear()
            try:
                self._round(client)
                pause = _FIRST_PAUSE
            except ForgeAwayError as away:
                _log.info("%s; again in %g s", away, pause)
                self._stopped.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                self._news.set()
            except RefusedError as refused:
                _log.error("%s; again in %g s", refused, _LONGEST_PAUSE)
                self._stopped.wait(_LONGEST_PAUSE)
                client.close()
                client = self._make()
                self._news.set()

    def _round(self, client: Client) -> None:
        with self._lock:
            spools = list(self._spools.values())
        refused: RefusedError | None = None
        for spool in spools:
            try:
                self._deliver(client, spool)
            except RefusedError as error:  # must not hold up the others
                refused = error
        if refused is not None:
            raise refused

    def _deliver(self, client: Client, spool: TaskSpool) -> None:
        while parcel := spool.next():
            try:
                taken = client.update(spool.task, parcel.as_json())
            except TaskGoneError:
                _log.warning("task %s is not wanted any more", spool.task)
                self._halt(spool.task, Level.DROP)
                self._forget(spool)
                return
            spool.told(parcel, taken.next)
            if taken.cancel:
                self._halt(spool.task, Level.CANCEL)
        if spool.delivered:
            self._forget(spool)

    def _forget(self, spool: TaskSpool) -> None:
        if spool.state.conclusion:
            spool.remove()
        with self._idle:
            self._spools.pop(spool.task, None)
            self._idle.notify_all()
