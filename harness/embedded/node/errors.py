"""What the API answers when it does not do as asked: status, text, and the faults of single parameters.

PVE dies with a text (500) nearly everywhere; only faults of parameters (400) and of permission (403) carry a code,
which the extjs formatter shows as a string while it shows 500 and 501 as numbers (recorded answers of 9.2).
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.kit.errors import HarnessError


class ApiError(HarnessError):
    """An answer that is no success. ``coded`` is whether PVE raised it with a status of its own."""

    def __init__(
        self, status: int, text: str, *, errors: Mapping[str, str] | None = None, coded: bool = True, ends: str = "\n"
    ) -> None:
        super().__init__(text)
        self.status = status
        self.errors = dict(errors) if errors else None
        self.coded = coded
        self.ends = ends

    @property
    def reason(self) -> str:
        """The text as an HTTP reason phrase: one line."""
        return " ".join(self.message.split("\n")).strip()

    @property
    def body_text(self) -> str:
        """The text as the body carries it."""
        return self.message.rstrip("\n") + self.ends


class BareError(ApiError):
    """An answer without a body: authentication and proxying."""


class RawError(ApiError):
    """An answer of the HTTP layer itself: its body is the plain text."""


def failure(text: str, errors: Mapping[str, str] | None = None) -> ApiError:
    """The code died with ``text``: status 500."""
    return ApiError(500, text, errors=errors, coded=False)


def bad_parameters(**errors: str) -> ApiError:
    """Status 400; underscores in the names stand for dashes."""
    return invalid({name.replace("_", "-"): text for name, text in errors.items()})


def invalid(errors: Mapping[str, str]) -> ApiError:
    """Status 400 with a text for each parameter at fault."""
    return ApiError(400, "Parameter verification failed.", errors=errors)


def denied(what: str = "") -> ApiError:
    """Status 403; ``what`` is path and privilege, or a reason."""
    return ApiError(403, f"Permission check failed ({what})" if what else "Permission check failed")


def not_implemented(method: str, path: str) -> ApiError:
    """Status 501: no such path, or none for this verb."""
    return ApiError(501, f"Method '{method} {path}' not implemented", coded=False, ends="")


def unauthorized(reason: str) -> BareError:
    """Status 401, without a body."""
    return BareError(401, reason)
