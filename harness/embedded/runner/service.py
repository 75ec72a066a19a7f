"""The runner as a whole: registers, asks for work, and ends in order."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from harness.embedded.runner import processes, recovery
from harness.embedded.runner.client import Client, RefusedError
from harness.embedded.runner.courier import Courier
from harness.embedded.runner.guard import GUARD_GONE
from harness.embedded.runner.halt import Level
from harness.embedded.runner.jobs import Jobs
from harness.embedded.runner.protocol import POLL_SECONDS, Conclusion
from harness.embedded.runner.registration import Credential, Registration
from harness.embedded.runner.settings import RunnerSettings
from harness.kit.errors import HarnessError

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
        self._termed = False

    def run(self) -> int:
        """Until told to stop; the exit code."""
        self._listen()
        processes.adopt_orphans()
        for spool in recovery.recover(self.settings, self._courier.changed):
            self._courier.add(spool)
        self._courier.start()
        self._thread("poll", self._poll_for_ever)
        while number := os.read(self._heard, 1)[0]:
            self._obey(number)
        return 0

    def _listen(self) -> None:
        """Signals become bytes in a pipe: a handler that took locks could stop the thread that holds them."""
        self._heard, self._tell = os.pipe()

        def hear(number: int, _frame: FrameType | None) -> None:
            os.write(self._tell, bytes([number]))

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the guard hears it too, and passes on SIGTERM
        for number in (signal.SIGHUP, signal.SIGTERM, GUARD_GONE):
            signal.signal(number, hear)

    def _obey(self, number: int) -> None:
        """SIGHUP: end when the jobs have ended. SIGTERM: give them their grace; again: give them none."""
        if number == GUARD_GONE:
            self._jobs.halt_all(Level.INTERRUPT)
            self._jobs.kill()
            os._exit(137)
        if not self._stopping.is_set():
            _log.info("stopping: no more jobs are taken")
            self._stopping.set()
            self._poller.abort()
            self._thread("drain", self._drain)
        if number == signal.SIGTERM:
            if self._termed:
                self._hurry.set()
            else:
                self._thread("interrupt", self._interrupt)
            self._termed = True

    def _thread(self, name: str, work: Callable[[], None]) -> None:
        threading.Thread(target=work, name=name, daemon=True).start()

    def _drain(self) -> None:
        self._jobs.wait(None)
        self._finish()

    def _interrupt(self) -> None:
        self._hurry.wait(self.settings.stop_grace)
        self._jobs.halt_all(Level.INTERRUPT)
        if not self._jobs.wait(self.settings.kill_grace + _LAST_WORDS):
            self._finish()

    def _finish(self) -> None:
        """Say the last words and end; what the forge does not hear is told at the next start."""
        self._jobs.kill()
        self._courier.flush(_LAST_WORDS)
        self._courier.stop()
        os.write(self._tell, b"\0")

    def _client(self) -> Client:
        token = self._credential.token.reveal() if self._credential else ""
        return Client(self.settings.forge, token, self.settings.ca)

    def _poll_for_ever(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                self._poll()
                pause = _FIRST_PAUSE
            except HarnessError as error:
                if not self._stopping.is_set():
                    self._complain(error, pause)
                    self._stopping.wait(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
            except Exception:  # the runner goes on asking, whatever one answer was
                _log.exception("asking for a job failed")
                self._stopping.wait(_LONGEST_PAUSE)

    def _complain(self, error: HarnessError, pause: float) -> None:
        """Say it. A forge that does not know the runner any more gets to know it again."""
        hint = f" ({error.hint})" if error.hint else ""
        _log.warning("%s%s; again in %g s", error, hint, pause)
        if isinstance(error, RefusedError) and error.status == 401 and self._credential is not None:
            self._credential = None
            self._poller = self._client()

    def _poll(self) -> None:
        if self._credential is None:
            self._register()
        if not self._told_earlier:  # an old end must not be taken for that of a new attempt
            self._told_earlier = self._courier.flush(_LONGEST_PAUSE)
        elif self._jobs.wait_for_room(_LONGEST_PAUSE):
            self._poller.aborted.clear()
            raw = None if self._stopping.is_set() else self._poller.next(self._courier.jobs(), POLL_SECONDS)
            if raw is not None:
                self._take(raw)

    def _take(self, raw: Mapping[str, Any]) -> None:
        """Take a job; where there is no room for its log on the disk, the forge hears so at once."""
        try:
            self._jobs.take(raw, self._courier)
        except OSError as error:
            job = int(raw["id"])
            self._poller.log(job, 0, [f"Error: the runner cannot write: {error.strerror}"])
            self._poller.done(job, Conclusion.FAILURE)

    def _register(self) -> None:
        self._credential = self._registration.register(self._poller)
        self._poller = self._client()
        _log.info("registered as runner %s", self._credential.id)
