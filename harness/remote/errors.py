"""What can go wrong between this machine and a container's sshd, told apart by what a person does next."""

from __future__ import annotations

from typing import ClassVar

from harness.kit.errors import ExitCode, HarnessError
from harness.kit.process import Completed
from harness.kit.secret import redact

_SHOWN_COMMAND = 60  # characters of a command in a one-line message; the rest is in ``detail``


class RemoteError(HarnessError):
    """Something over ssh failed."""


class RemoteUnreachable(RemoteError):  # noqa: N818 - reads as what it says
    """Nothing answers as ssh at that address, or not yet."""

    exit_code: ClassVar[ExitCode] = ExitCode.UNREACHABLE


class LoginRefused(RemoteUnreachable):
    """sshd answers but does not accept the container's key for this user."""


class HostKeyChanged(RemoteUnreachable):
    """Another host key than the pinned one: another machine, or one that was made anew."""


class HostKeyUnknown(RemoteUnreachable):
    """No host key is pinned and this is not a first contact."""


class ConnectionLost(RemoteUnreachable):
    """The connection broke while a command ran; whether it ran to its end is not known."""


class RemoteCommandError(RemoteError):
    """A command ended with a code that was not wanted (124: it did not end in time)."""

    def __init__(self, place: str, command: str, completed: Completed, *, reason: str | None = None) -> None:
        self.completed = completed
        output = redact((completed.error_text.strip() + "\n" + completed.text.strip()).strip())
        said = reason or _last_line(completed)
        super().__init__(
            f"{place}: {short(command)} ended with {completed.code}: {said}",
            detail=f"$ {redact(command)}\n{output}",
        )


def _last_line(completed: Completed) -> str:
    output = redact(completed.error_text.strip() or completed.text.strip())
    return output.splitlines()[-1] if output else "no output"


def short(command: str) -> str:
    """A command's beginning, redacted, for a one-line message."""
    first = redact(command).strip().splitlines()[0] if command.strip() else ""
    return f"{first[:_SHOWN_COMMAND]}…" if len(first) > _SHOWN_COMMAND or "\n" in command.strip() else first
