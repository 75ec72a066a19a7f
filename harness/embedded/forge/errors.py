"""What the forge refuses, as data: a status, the words a client reads, and the extra list that some answers carry.

Statuses and words are those of Gitea 1.26, which third-party clients match on.
"""

from __future__ import annotations

import sqlite3
from typing import Any, ClassVar

from harness.kit.errors import NoSpaceError


class ForgeError(Exception):
    """A request that is refused. ``errors`` is ``ABSENT`` where Gitea's answer has no such key."""

    status: ClassVar[int] = 500
    ABSENT: ClassVar[Any] = object()

    def __init__(self, message: str, *, status: int | None = None, errors: Any = ABSENT) -> None:
        super().__init__(message)
        self.message = message
        self.code = status if status is not None else self.status
        self.errors = errors

    def body(self, base: str) -> dict[str, Any]:
        """The JSON body that Gitea would send."""
        found: dict[str, Any] = {} if self.errors is ForgeError.ABSENT else {"errors": self.errors}
        return {**found, "message": self.message, "url": f"{base}/api/swagger"}


class BadRequestError(ForgeError):
    """400."""

    status = 400


class UnauthorisedError(ForgeError):
    """401: no credentials, or wrong ones."""

    status = 401


class ForbiddenError(ForgeError):
    """403: known, and not allowed."""

    status = 403


class MissingError(ForgeError):
    """404 with words of its own."""

    status = 404


class RefusedError(ForgeError):
    """405: the state does not allow it (a merged pull request)."""

    status = 405


class ConflictError(ForgeError):
    """409: exists already, or moved on."""

    status = 409


class PreconditionError(ForgeError):
    """412."""

    status = 412


class InvalidError(ForgeError):
    """422: the body is not right."""

    status = 422


class LockedError(ForgeError):
    """423: the repository is archived."""

    status = 423


class InternalError(ForgeError):
    """500 where Gitea answers so although the request was at fault; kept because clients have learnt it."""


class FullError(ForgeError):
    """507: the disk under the forge is full. Gitea says 500, from which nobody learns what to do."""

    status = 507

    def __init__(self) -> None:
        super().__init__("the disk of the forge is full: nothing was changed; make room there and try again")


def is_full(error: BaseException | None) -> bool:
    """Whether a full disk is behind an error, as SQLite or the system say it."""
    if error is None:
        return False
    if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode == sqlite3.SQLITE_FULL:
        return True
    return NoSpaceError.is_meant(error) or is_full(error.__cause__ or error.__context__)


class EmptyError(Exception):
    """A refusal without a body: only the status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


def not_found(*errors: str) -> MissingError:
    """The plain 404, with the reasons that some routes list."""
    return MissingError("not found", errors=list(errors) or None)


def no_user(name: str) -> str:
    """Gitea's words for a name that nobody has."""
    return f"user redirect does not exist [name: {name}]"


def no_account(name: str) -> str:
    """Gitea's words where a body or a query names somebody who is not there."""
    return f"user does not exist [uid: 0, name: {name}]"


def no_object(rev: str, path: str = "") -> str:
    """Gitea's words for a revision or path that is not there."""
    return f"object does not exist [id: {rev}, rel_path: {path}]"
