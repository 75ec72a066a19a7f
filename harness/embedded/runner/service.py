"""The runner as a whole: registers, asks for work, and ends in order."""

from __future__ import annotations

import logging
import os
import signal
import threading
from types import FrameType

from harness.embedded.runner import processes, recovery
from harness.embedded.runner.client import Client, ForgeAwayError, RefusedError
from harness.embedded.runner.courier import Courier
from harness.embedded.runner.guard import GUARD_GONE
from harness.embedded.runner.halt import Level
from harness.embedded.runner.jobs import Jobs
from harness.embedded.runner.protocol import POLL_SECONDS
from harness.embedded.runner.registration import Credential, Registration
from harness.embedded.runner.settings import RunnerSettings

_log = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0
_LAST_WORDS = 5.0  # seconds to tell the forge what became of the jobs before the runner ends


class Service:
    """One runner. ``run`` returns after SIGTERM or SIGINT."""

    def __init__(self, settings: RunnerSettings) -> None:
        self.settings = settings
        self._registration = Registration(
            settings.credential, settings.token_file, settings.name, settings.labels, settings.untrusted
        )
        self._credential: Credential | None = self._registration.load()
        self._jobs = Jobs(settings)
        self._courier = Courier(self._client, self._jobs.halt)
        self._poller = self._client()
        self._heard = self._tell = -1
        self._told_earlier = False
        self._stopping = threading.Event()
        self._hurry = threading.Event()

    def run(self) -> int:
        """Until told to stop; the exit code."""
        self._listen()
        processes.adopt_orphans()
        for spool in recovery.recover(self.settings, self._courier.changed):
            self._courier.add(spool)
        self._courier.start()
        threading.Thread(target=self._poll_for_ever, name="poll", daemon=True).start()
        while number := os.read(self._heard, 1)[0]:
            self._obey(number)
        return 0

    def _listen(self) -> None:
        """Signals become bytes in a pipe: a handler that took locks could stop the thread that holds them."""
        self._heard, self._tell = os.pipe()

        def hear(number: int, _frame: FrameType | None) -> None:
            os.write(self._tell, bytes([number]))

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the guard hears it too, and passes on SIGTERM
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, hear)
        signal.signal(GUARD_GONE, hear)

    def _obey(self, number: int) -> None:
        """SIGTERM: the first time in order, the second time at once. When the guard was killed, so is everything."""
        if number == GUARD_GONE:
            self._jobs.halt_all(Level.INTERRUPT)
            self._jobs.kill()
            os._exit(137)
        if self._stopping.is_set():
            self._hurry.set()
        else:
            self._stopping.set()
            self._poller.abort()
            threading.Thread(target=self._drain, name="drain", daemon=True).start()

    def _drain(self) -> None:
        _log.info("stopping: no more jobs are taken")
        threading.Thread(target=self._interrupt_late, name="interrupt", daemon=True).start()
        self._jobs.wait(self.settings.stop_grace + self.settings.kill_grace + _LAST_WORDS)
        self._hurry.set()
        self._jobs.kill()
        self._courier.flush(_LAST_WORDS)
        self._courier.stop()
        os.write(self._tell, b"\0")

    def _interrupt_late(self) -> None:
        self._hurry.wait(self.settings.stop_grace)
        self._jobs.halt_all(Level.INTERRUPT)

    def _client(self) -> Client:
        token = self._credential.token.reveal() if self._credential else ""
        return Client(self.settings.forge, token, self.settings.ca)

    def _poll_for_ever(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                self._poll()
                pause = _FIRST_PAUSE
            except ForgeAwayError as away:
                if not self._poller.aborted.is_set():
                    _log.info("%s; again in %g s", away, pause)
                    self._poller.aborted.wait(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
            except RefusedError as refused:
                self._refused(refused)

    def _poll(self) -> None:
        if self._credential is None:
            self._register()
        if not self._told_earlier:  # an old end must not be taken for that of a new attempt
            self._told_earlier = self._courier.flush(_LONGEST_PAUSE)
        elif self._jobs.wait_for_room(_LONGEST_PAUSE):
            self._poller.aborted.clear()
            raw = None if self._stopping.is_set() else self._poller.next(self._courier.jobs(), POLL_SECONDS)
            if raw is not None:
                self._jobs.take(raw, self._courier)

    def _register(self) -> None:
        self._credential = self._registration.register(self._poller)
        self._poller = self._client()
        _log.info("registered as runner %s", self._credential.id)

    def _refused(self, refused: RefusedError) -> None:
        """A forge that does not know the runner any more gets to know it again."""
        _log.error("%s", refused)
        if refused.status == 401 and self._credential is not None:
            self._credential = None
            self._poller = self._client()
        else:
            self._poller.aborted.wait(_LONGEST_PAUSE)
