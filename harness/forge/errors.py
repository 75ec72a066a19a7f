"""What goes wrong between us and a forge, as data."""

# ruff: noqa: N818  (named for what happened, as people will read them)

from __future__ import annotations

from harness.kit.errors import HarnessError, UnreachableError


class ForgeError(HarnessError):
    """The forge refused or failed a call. ``status`` is the HTTP status, ``reason`` the forge's own sentence."""

    def __init__(self, call: str, status: int, reason: str, *, hint: str | None = None) -> None:
        self.call = call
        self.status = status
        self.reason = reason
        super().__init__(f"{call}: {reason} ({status})", hint=hint)


class NotFound(ForgeError):
    """What was asked for is not there, or we may not see it (HTTP 404)."""


class Conflict(ForgeError):
    """It exists already, or has changed meanwhile (HTTP 409)."""


class MergeRefused(ForgeError):
    """The forge does not merge: a conflict, a check that is missing, or the pull request is merged or closed."""


class ForgeUnreachable(UnreachableError):
    """Nothing answers at the address, or the connection broke."""


class LoginRefused(UnreachableError):
    """The user, password or token was not accepted (HTTP 401)."""
