"""Signing in: a ticket from a password, or an API token, both as proxmoxer's session wants them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from proxmoxer.backends.https import ProxmoxHTTPApiTokenAuth, ProxmoxHTTPAuthBase
from requests import PreparedRequest
from requests.cookies import RequestsCookieJar

from harness.kit.clock import Clock
from harness.kit.secret import Secret

TIMEOUT: Final = (10.0, 90.0)
"""Seconds to connect, and to wait for an answer: PVE itself gives its workers 30 s, behind a busy node more."""
RENEW_AFTER: Final = 3600.0
"""Seconds; a ticket lives two hours (PVE user manual, API authentication)."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user with a password, or with an API token; where both are given the ticket is used, for it may do more."""

    user: str = "root@pam"
    password: Secret | None = None
    token: str | None = None
    """Token name (``ci``) or full id (``root@pam!ci``)."""
    secret: Secret | None = None

    @property
    def userid(self) -> str:
        """The user with its realm; ``pam`` when none is named."""
        owner = self.token.rpartition("!")[0] if self.token and not self.password else ""
        user = owner or self.user
        return user if "@" in user else f"{user}@pam"

    @property
    def uses_ticket(self) -> bool:
        """Whether these sign in with a password."""
        return bool(self.password)

    @property
    def token_name(self) -> str:
        """The token's name without its owner."""
        return (self.token or "").rpartition("!")[2]

    @property
    def identity(self) -> str:
        """Who PVE takes us for: ``root@pam`` or ``root@pam!ci``."""
        return self.userid if self.uses_ticket else f"{self.userid}!{self.token_name}"

    @property
    def is_root_ticket(self) -> bool:
        """Whether these may do what PVE keeps for root@pam itself (bind mounts, devices, most features)."""
        return self.uses_ticket and self.userid == "root@pam"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A session at PVE and when it began, in monotonic seconds."""

    value: Secret
    csrf: Secret
    born: float


class TicketAuth(ProxmoxHTTPAuthBase):  # type: ignore[misc]  # proxmoxer is untyped
    """Sends the ticket as a cookie and the CSRF token with every write; renews both before they expire."""

    def __init__(self, sign_in: Callable[[], Ticket], clock: Clock) -> None:
        super().__init__(timeout=TIMEOUT, verify_ssl=True)
        self._sign_in = sign_in
        self._clock = clock
        self._lock = threading.Lock()
        self._ticket: Ticket | None = None

    def ticket(self) -> Ticket:
        """The present ticket; signs in when there is none or it is old."""
        with self._lock:
            if self._ticket is None or self._clock.monotonic() - self._ticket.born >= RENEW_AFTER:
                self._ticket = self._sign_in()
            return self._ticket

    def discard(self, refused: Ticket | None) -> None:
        """Forget the ticket that PVE refused, unless another thread has renewed it meanwhile."""
        with self._lock:
            if self._ticket is refused:
                self._ticket = None

    def get_cookies(self) -> RequestsCookieJar:
        jar = RequestsCookieJar()
        jar.set("PVEAuthCookie", self.ticket().value.reveal())
        return jar

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if request.method != "GET":
            request.headers["CSRFPreventionToken"] = self.ticket().csrf.reveal()
        return request


def token_auth(credentials: Credentials) -> Any:
    """The header of an API token."""
    secret = credentials.secret.reveal() if credentials.secret else ""
    return ProxmoxHTTPApiTokenAuth(credentials.userid, credentials.token_name, secret, timeout=TIMEOUT, verify_ssl=True)


def no_auth() -> Any:
    """For the sign-in itself."""
    return ProxmoxHTTPAuthBase(timeout=TIMEOUT, verify_ssl=True)
