"""Applies the base role in one round trip: ``base.sh`` looks and acts step by step and reports each."""

from __future__ import annotations

import re
import shlex
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.kit.errors import HarnessError, UsageError
from harness.kit.secret import redact
from harness.remote.connection import Connection
from harness.remote.errors import RemoteCommandError

SCRIPT = Path(__file__).parent / "base.sh"
"""Part of every container's revision."""
LOCALE = "en_US.UTF-8"
TIMEZONE = "Etc/UTC"
TIMEOUT = 1800.0
"""Seconds for everything; a full upgrade over a slow line takes long."""
_LINE = re.compile(r"\x1e(\w+) (held|changed|failed) (\d+)")
_KEY = re.compile(r"(ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/=]+( [^\n]*)?")
_TAIL_LINES = 40


@dataclass(frozen=True, slots=True)
class Step:
    """One part of the base role. ``changed`` False: it held already."""

    name: str
    changed: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class BaseResult:
    """The base role, applied."""

    steps: tuple[Step, ...]

    @property
    def changed(self) -> tuple[str, ...]:
        """Names of the steps that changed something."""
        return tuple(step.name for step in self.steps if step.changed)


class BaseError(HarnessError):
    """A step of the base role failed; ``step`` names it, ``detail`` is the end of its output."""

    def __init__(self, message: str, *, step: str | None, detail: str) -> None:
        super().__init__(
            message,
            hint="the steps before it hold; deploy again to go on from here",
            detail=detail or None,
        )
        self.step = step


def apply_base(
    connection: Connection,
    *,
    public_key: str,
    upgrade: bool,
    authority: str = "",
    on_step: Callable[[Step], None] = lambda _step: None,
    locale: str = LOCALE,
    timezone: str = TIMEZONE,
    timeout: float = TIMEOUT,
) -> BaseResult:
    """Make the base role hold in the container; what holds already is left alone.

    The connection is root's on first contact, later config's with sudo. Afterwards root may not log in, passwords are
    refused, and ``public_key`` (one line, as in an authorized_keys file) opens the login ``config``. ``upgrade`` asks
    for a full upgrade first. ``authority`` is the certificate (PEM) of an authority that the system is to trust; empty
    takes the trust away. Raises ``BaseError`` naming the step, ``RemoteError`` when the connection breaks.
    """
    key = public_key.strip()
    if not _KEY.fullmatch(key):
        raise UsageError("that is no public key of ssh", hint="it is one line that begins with ssh-ed25519")
    listener = _Listener(on_step)
    words = ["yes" if upgrade else "no", locale, timezone, key, authority.strip()]
    command = f"set -- {shlex.join(words)}\n{SCRIPT.read_text()}"
    try:
        done = connection.run(command, sudo=True, timeout=timeout, check=False, on_line=listener.feed)
    except RemoteCommandError as late:
        raise listener.error(f"no end within {timeout:g} s") from late
    if done.code != 0:
        raise listener.error(f"ended with {done.code}")
    return BaseResult(tuple(listener.steps))


class _Listener:
    """Reads the script's report out of the output of the programs it runs."""

    def __init__(self, on_step: Callable[[Step], None]) -> None:
        self.steps: list[Step] = []
        self._failed: str | None = None
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._on_step = on_step

    def feed(self, line: str) -> None:
        """Take one line."""
        found = _LINE.fullmatch(line)
        if found is None:
            self._tail.append(redact(line))
        elif found[2] == "failed":
            self._failed = found[1]
        else:
            self._done(Step(found[1], found[2] == "changed", int(found[3]) / 1000))

    def _done(self, step: Step) -> None:
        self._tail.clear()
        self.steps.append(step)
        self._on_step(step)

    def error(self, how: str) -> BaseError:
        """The error that the output so far amounts to."""
        last = self._tail[-1] if self._tail else "no output"
        name = self._failed or "its beginning"
        return BaseError(f"base, {name}: {how}: {last}", step=self._failed, detail="\n".join(self._tail))
