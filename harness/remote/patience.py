"""Which failures to log in are worth another try, and when."""

from __future__ import annotations

from harness.kit.clock import Clock
from harness.remote import errors

_REFUSALS = 2
_PAUSE_AFTER_REFUSAL = 1.0
"""Seconds. sshd of OpenSSH 9.8 and later shuts out an address for a while that fails to log in too often at once
(sshd_config(5), PerSourcePenalties: 5 s a failure, in force from 15 s on)."""


class Patience:
    """Bears what passes by itself: nobody listens yet, sshd is starting, keys come a moment later."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refusals = 0
        self._not_before = 0.0
        self._last: errors.RemoteError | None = None

    @property
    def may_try(self) -> bool:
        """Whether the pause after a refusal is over."""
        return self._clock.monotonic() >= self._not_before

    @property
    def last_word(self) -> str:
        """What ssh said at the latest failure, its last line."""
        said = (self.detail or "").strip()
        return said.splitlines()[-1] if said else "no answer"

    @property
    def detail(self) -> str | None:
        """What ssh said at the latest failure."""
        return self._last.detail if self._last else None

    def bear(self, error: errors.RemoteError) -> None:
        """Note ``error``; raises it when no further try can help."""
        self._last = error
        if isinstance(error, errors.HostKeyChanged | errors.HostKeyUnknown):
            raise error
        if isinstance(error, errors.LoginRefused):
            self._refusals += 1
            self._not_before = self._clock.monotonic() + _PAUSE_AFTER_REFUSAL
            if self._refusals >= _REFUSALS:
                raise error
