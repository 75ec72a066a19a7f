"""Brings logs and outcomes to the forge: at once while it is there, later when it is away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from harness.embedded.runner.client import Client, ForgeAwayError, RefusedError, TaskGoneError
from harness.embedded.runner.halt import Level
from harness.embedded.runner.protocol import HEARTBEAT_SECONDS, Conclusion
from harness.embedded.runner.spool import End, Log, Message, TaskSpool
from harness.kit.clock import Deadline

_log = logging.getLogger(__name__)
_BATCH = 0.2  # seconds in which lines are gathered
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0


class Courier:
    """A thread that empties the spools. ``halt`` ends a task that is to be cancelled or is not wanted any more."""

    def __init__(self, client: Callable[[], Client], halt: Callable[[str, Level], None]) -> None:
        self._make = client
        self._halt = halt
        self._spools: dict[str, TaskSpool] = {}
        self._beats: dict[str, Deadline] = {}
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._news = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="courier", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def changed(self) -> None:
        """A spool has something to tell."""
        self._news.set()

    def add(self, spool: TaskSpool) -> None:
        """Deliver it from now on until its end is told, then remove it. It replaces earlier attempts at the job."""
        with self._lock:
            earlier = [one for one in self._spools.values() if one.job == spool.job]
            self._spools[spool.name] = spool
        for one in earlier:
            self._drop(one)
        self.changed()

    def jobs(self) -> list[int]:
        """Jobs whose end the forge has not heard of."""
        with self._lock:
            return sorted(spool.job for spool in self._spools.values())

    def flush(self, seconds: float | None) -> bool:
        """Wait until everything is told, at most ``seconds``."""
        self.changed()
        with self._idle:
            return self._idle.wait_for(lambda: not self._spools, seconds)

    def stop(self) -> None:
        """End the thread; what is not told stays on disk."""
        self._stopped.set()
        self.changed()

    def _work(self) -> None:
        client: Client | None = None
        pause = _FIRST_PAUSE
        while not self._stopped.is_set():
            self._news.wait(HEARTBEAT_SECONDS if self._spools else None)
            self._stopped.wait(_BATCH)
            self._news.clear()
            client = client or self._make()  # not before there is something to tell: now the runner has registered
            try:
                self._round(client)
                pause = _FIRST_PAUSE
            except (ForgeAwayError, RefusedError) as error:
                _log.warning("%s; again in %g s", error, pause)
                self._stopped.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                client.close()
                client = None
                self._news.set()
            except Exception:  # the rest of what is to be told must not be lost with one message
                _log.exception("telling the forge failed")
                self._stopped.wait(_LONGEST_PAUSE)
                self._news.set()

    def _round(self, client: Client) -> None:
        with self._lock:
            spools = list(self._spools.values())
        refused: RefusedError | None = None
        for spool in spools:
            try:
                self._deliver(client, spool)
            except TaskGoneError:
                self._drop(spool)
            except RefusedError as error:  # must not hold up the others
                refused = error
        if refused is not None:
            raise refused

    def _deliver(self, client: Client, spool: TaskSpool) -> None:
        while message := spool.next():
            if isinstance(message, End):
                _tell_end(client, spool.job, message)
                self._forget(spool)
                return
            self._heard(spool, self._tell(client, spool, message))
        beat = self._beats.get(spool.name)
        if beat is None or beat.passed:
            self._heard(spool, client.heartbeat(spool.job))

    def _tell(self, client: Client, spool: TaskSpool, message: Message) -> bool:
        if isinstance(message, Log):
            held, cancel = client.log(spool.job, message.at, message.lines)
            spool.told(message, held)
            return cancel
        assert not isinstance(message, End)
        cancel = client.step(spool.job, message.number, message.status, message.conclusion)
        spool.told(message)
        return cancel

    def _heard(self, spool: TaskSpool, cancel: bool) -> None:
        self._beats[spool.name] = Deadline(HEARTBEAT_SECONDS * 0.9)
        if cancel:
            self._halt(spool.name, Level.CANCEL)

    def _drop(self, spool: TaskSpool) -> None:
        _log.warning("job %s is not wanted any more", spool.name)
        self._halt(spool.name, Level.DROP)
        self._forget(spool)

    def _forget(self, spool: TaskSpool) -> None:
        if spool.state.conclusion:
            spool.remove()
        with self._idle:
            self._spools.pop(spool.name, None)
            self._beats.pop(spool.name, None)
            self._idle.notify_all()


def _tell_end(client: Client, job: int, end: End) -> None:
    if end.conclusion == Conclusion.INTERRUPTED:
        client.give_back(job, "its runner was stopped")
    else:
        client.done(job, end.conclusion)
