"""One HTTPS session to a PVE server: pinned, signed in, its failures turned into the harness's errors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

import requests
from proxmoxer.backends.https import JsonSerializer, ProxmoxHttpSession

from harness.kit.clock import Clock
from harness.kit.errors import HarnessError
from harness.kit.secret import Secret
from harness.pve import tls
from harness.pve.auth import TIMEOUT, Credentials, Ticket, TicketAuth, no_auth, token_auth
from harness.pve.errors import (
    AuthenticationFailed,
    CertificateChanged,
    CertificateUnknown,
    PveError,
    PveUnreachable,
)

CONNECTIONS: Final = 6
"""Parallel connections at most; pveproxy has three workers by default, more gains nothing."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where PVE answers. ``fingerprint``: SHA-256 of its certificate; None: a known authority must vouch for it."""

    host: str
    port: int = 8006
    fingerprint: str | None = None
    fingerprint_setting: str = "proxmox.fingerprint in local/config.json"
    """What a person changes to accept another certificate."""
    help: str = "is the host up, and are proxmox.host and proxmox.port right? `./run doctor` looks closer"
    """What to do when nothing answers there."""

    @property
    def where(self) -> str:
        """``host:port`` for messages."""
        return f"{self.host}:{self.port}"

    @property
    def base_url(self) -> str:
        """Root of the JSON API."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}/api2/json"


def _silence_proxmoxer() -> None:
    """proxmoxer logs what it posts, passwords too, at INFO: drop that whatever level anyone sets."""
    for name in ("proxmoxer.core", "proxmoxer.backends.https"):
        logging.getLogger(name).addFilter(_only_warnings)


def _only_warnings(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


_silence_proxmoxer()


class Door:
    """The session and what its failures mean. ``auth`` is None before ``open``'s caller signs in with a token."""

    def __init__(self, endpoint: Endpoint, credentials: Credentials, clock: Clock) -> None:
        self.endpoint = endpoint
        self.credentials = credentials
        self.clock = clock
        self.serializer = JsonSerializer()
        self.session = self._new_session()
        self.ticket_auth = TicketAuth(self._sign_in, clock) if credentials.uses_ticket else None
        self.session.auth = self.ticket_auth or token_auth(credentials)

    def _new_session(self) -> Any:
        session = ProxmoxHttpSession()
        session.trust_env = False  # a proxy or a .netrc of the shell has no business between us and the node
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # the ticket is ours to send, once a call
        session.headers.update({"accept": self.serializer.get_accept_types()})
        pinned = tls.normal_fingerprint(self.endpoint.fingerprint) if self.endpoint.fingerprint else None
        if self.endpoint.fingerprint and pinned is None:
            raise PveUnreachable(
                f"{self.endpoint.fingerprint} is no SHA-256 fingerprint",
                hint=f"set {self.endpoint.fingerprint_setting} to 32 bytes written as AB:CD:…",
            )
        session.mount("https://", tls.adapter(pinned, CONNECTIONS))
        return session

    def guarded(self, call: Callable[[], Any]) -> Any:
        """Run ``call``; raises ``PveUnreachable`` or a certificate error for what requests raises."""
        try:
            return call()
        except requests.exceptions.SSLError as error:
            raise self._certificate_error(error) from error
        except requests.exceptions.RequestException as error:
            raise self._unreachable(error) from error

    def _certificate_error(self, error: Exception) -> HarnessError:
        endpoint = self.endpoint
        found = tls.presented_fingerprint(endpoint.host, endpoint.port, TIMEOUT[0])
        if found is None:
            return PveUnreachable(f"no TLS connection to {endpoint.where}: {error}")
        expected = tls.normal_fingerprint(endpoint.fingerprint) if endpoint.fingerprint else None
        if expected is None:
            return CertificateUnknown(endpoint.where, found, endpoint.fingerprint_setting)
        if found == expected:
            return PveUnreachable(f"the TLS connection to {endpoint.where} broke: {error}")
        return CertificateChanged(endpoint.where, expected, found, endpoint.fingerprint_setting)

    def _unreachable(self, error: Exception) -> PveUnreachable:
        late = isinstance(error, requests.exceptions.Timeout)
        what = "does not answer in time" if late else "cannot be reached"
        return PveUnreachable(
            f"Proxmox VE at {self.endpoint.where} {what}: {_root_cause(error)}",
            hint=self.endpoint.help,
        )

    def _sign_in(self) -> Ticket:
        """A new ticket (PVE API schema, POST /access/ticket)."""
        assert self.credentials.password is not None
        form = {"username": self.credentials.userid, "password": self.credentials.password.reveal()}
        url = f"{self.endpoint.base_url}/access/ticket"
        answer = self.guarded(lambda: self.session.request("POST", url, data=form, auth=no_auth()))
        data = self._ticket_data(answer)
        return Ticket(Secret(data["ticket"]), Secret(data["CSRFPreventionToken"]), self.clock.monotonic())

    def _ticket_data(self, answer: requests.Response) -> Mapping[str, Any]:
        if answer.status_code == 401:
            raise AuthenticationFailed(
                f"{self.endpoint.where} refuses user {self.credentials.userid}: {answer.reason}",
                hint="check proxmox.user (with its realm, root@pam) and proxmox.password in local/config.json",
            )
        if answer.status_code != 200:
            raise PveError("POST access/ticket", answer.status_code, str(answer.reason))
        data = self.serializer.loads(answer)
        if not isinstance(data, dict) or "ticket" not in data:
            raise PveUnreachable(f"{self.endpoint.where} does not speak the Proxmox VE API")
        if data.get("NeedTFA") or str(data["ticket"]).startswith("PVE:!tfa!"):
            raise self._second_factor()
        return data

    def _second_factor(self) -> AuthenticationFailed:
        return AuthenticationFailed(
            f"user {self.credentials.userid} at {self.endpoint.where} has a second factor (TFA); "
            "a program cannot answer it",
            hint="use an API token (proxmox.token and proxmox.secret), or a user without a second factor; "
            "only a root@pam password may set bind mounts, devices and features other than nesting",
        )


def _root_cause(error: BaseException) -> str:
    """The innermost message: requests wraps urllib3 wraps the system."""
    while True:
        inner = error.__cause__ or error.__context__
        if inner is None or not str(inner):
            return str(error).splitlines()[0] if str(error) else type(error).__name__
        error = inner
