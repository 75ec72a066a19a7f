"""What goes wrong between us and Proxmox VE, as data."""

# ruff: noqa: N818  (named for what happened, as people will read them)

from __future__ import annotations

from collections.abc import Mapping

from harness.kit.errors import DeadlineError, HarnessError, UnreachableError


class PveError(HarnessError):
    """PVE refused or failed a call.

    ``status`` is the HTTP status, ``reason`` PVE's own sentence (it sends it as the reason phrase), ``errors`` what is
    wrong with single parameters, by name.
    """

    def __init__(
        self,
        call: str,
        status: int,
        reason: str,
        errors: Mapping[str, str] | None = None,
        *,
        hint: str | None = None,
    ) -> None:
        self.call = call
        self.status = status
        self.reason = reason
        self.errors = dict(errors or {})
        details = "; ".join(f"{name}: {text.strip()}" for name, text in sorted(self.errors.items()))
        super().__init__(f"{call}: {reason}" + (f" ({details})" if details else ""), hint=hint)


class PermissionDenied(PveError):
    """The credentials are known but may not do this (HTTP 403)."""


class PveUnreachable(UnreachableError):
    """Nothing answers at the address, the connection broke, or a node behind the one we talk to is gone."""


class CertificateChanged(UnreachableError):
    """The server shows another certificate than the pinned one. Nothing was sent to it."""

    def __init__(self, where: str, expected: str, found: str, setting: str) -> None:
        self.expected = expected
        self.found = found
        super().__init__(
            f"{where} shows another certificate than before: expected {expected}, found {found}",
            hint=f"if you know why it changed, accept it by setting {setting} to {found}",
        )


class CertificateUnknown(UnreachableError):
    """No fingerprint is pinned and no known authority vouches for the certificate. Nothing was sent to it."""

    def __init__(self, where: str, found: str, setting: str) -> None:
        self.found = found
        super().__init__(
            f"{where} shows a certificate that no known authority has signed; its SHA-256 fingerprint is {found}",
            hint="compare it with what the node itself shows (`pvenode cert info`, or Certificates in its web "
            f"interface) and set {setting} to it",
        )


class AuthenticationFailed(UnreachableError):
    """The user, password, token or second factor was not accepted."""


class TaskFailed(HarnessError):
    """A PVE task ended badly. ``log`` holds its last lines."""

    def __init__(self, upid: str, exit_status: str, log: tuple[str, ...]) -> None:
        self.upid = upid
        self.exit_status = exit_status
        self.log = log
        super().__init__(f"the {kind_of(upid)} task failed: {exit_status}", detail="\n".join(log))


class TaskPending(DeadlineError):
    """A PVE task runs longer than we wait. It goes on; the next run finds it and waits for its end."""

    def __init__(self, upid: str, seconds: float, log: tuple[str, ...]) -> None:
        self.upid = upid
        self.log = log
        super().__init__(
            f"the {kind_of(upid)} task {upid} has not ended within {seconds:g} s",
            hint="it goes on; run the same command again to wait for it",
            detail="\n".join(log),
        )


def kind_of(upid: str) -> str:
    """The worker type in a task id, ``vzcreate 110``: ``UPID:node:pid:pstart:starttime:type:id:user:``."""
    parts = upid.split(":")
    return " ".join(part for part in parts[5:7] if part) if len(parts) > 6 else upid
