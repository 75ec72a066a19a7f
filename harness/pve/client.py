"""Calls to the PVE API as plain methods with plain values, raising the harness's errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote

from proxmoxer import ProxmoxResource
from proxmoxer.core import ResourceException

from harness.kit.clock import Clock, SystemClock
from harness.kit.errors import HarnessError
from harness.kit.secret import Secret
from harness.pve.auth import Credentials
from harness.pve.errors import AuthenticationFailed, PermissionDenied, PveError, PveUnreachable
from harness.pve.session import CONNECTIONS, Door, Endpoint

__all__ = ["Credentials", "Endpoint", "Pve", "segment"]

_RETRY_PAUSES: Final = (0.2, 0.8)
"""Seconds before a GET is tried again after a broken connection."""


def segment(value: object) -> str:
    """``value`` as one segment of a path (a volume id holds a slash)."""
    return quote(str(value), safe=":@!")


class Pve:
    """One PVE server seen through one set of credentials.

    Signs in at the first call. Parameters may be bool, int, str or ``Secret``; None leaves one out. A GET is tried
    again when the connection breaks; a write never is, for it may have been carried out.
    """

    def __init__(self, endpoint: Endpoint, credentials: Credentials, clock: Clock | None = None) -> None:
        self.endpoint = endpoint
        self.credentials = credentials
        self.clock: Clock = clock or SystemClock()
        self._door = Door(endpoint, credentials, self.clock)
        self._answered = False

    def get(self, path: str, /, **params: Any) -> Any:
        """GET; the answer's data."""
        return self._call("get", path, params)

    def post(self, path: str, /, **params: Any) -> Any:
        """POST; the answer's data, a task id for long work."""
        return self._call("post", path, params)

    def put(self, path: str, /, **params: Any) -> Any:
        """PUT; the answer's data."""
        return self._call("put", path, params)

    def delete(self, path: str, /, **params: Any) -> Any:
        """DELETE; the answer's data."""
        return self._call("delete", path, params)

    def gather(self, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Any]:
        """Many GETs, a few at a time, in order; a call that failed stands there as its ``HarnessError``."""

        def attempt(call: tuple[str, Mapping[str, Any]]) -> Any:
            try:
                return self.get(call[0], **call[1])
            except PveError as error:
                return error

        if len(calls) <= 1:
            return [attempt(call) for call in calls]
        with ThreadPoolExecutor(max_workers=CONNECTIONS) as pool:
            return list(pool.map(attempt, calls))

    @cached_property
    def version(self) -> str:
        """PVE's version, ``9.2.11``."""
        return str(self.get("version")["version"])

    def close(self) -> None:
        """Let the connections go."""
        self._door.session.close()

    def _call(self, method: str, path: str, params: Mapping[str, Any]) -> Any:
        plain = {name: _plain(value) for name, value in params.items() if value is not None}
        label = f"{method.upper()} {path}"
        pauses = iter(_RETRY_PAUSES if method == "get" and self._answered else ())
        while True:
            try:
                answer = self._signed_in(method, path, plain, label)
            except PveUnreachable:
                pause = next(pauses, None)
                if pause is None:
                    raise
                self.clock.sleep(pause)
            else:
                self._answered = True
                return answer

    def _signed_in(self, method: str, path: str, params: dict[str, Any], label: str) -> Any:
        """One call; a ticket that has expired is renewed once (a 401 means that nothing was carried out)."""
        auth = self._door.ticket_auth
        ticket = auth.ticket() if auth else None
        try:
            return self._send(method, path, params, label)
        except AuthenticationFailed:
            if auth is None:
                raise
            auth.discard(ticket)
        return self._send(method, path, params, label)

    def _send(self, method: str, path: str, params: dict[str, Any], label: str) -> Any:
        resource = ProxmoxResource(
            base_url=self._door.endpoint.base_url, session=self._door.session, serializer=self._door.serializer
        )
        send = getattr(resource(path.strip("/")), method)
        try:
            return self._door.guarded(lambda: send(**params))
        except ResourceException as error:
            raise self._translated(error, label) from error

    def _translated(self, error: ResourceException, label: str) -> HarnessError:
        status, reason = int(error.status_code), str(error.content).strip()
        errors = error.errors if isinstance(error.errors, dict) else {}
        if status == 401:
            return self._refused(reason)
        if status >= 595:
            return PveUnreachable(f"{label}: a node behind {self.endpoint.where} does not answer: {reason}")
        kind = PermissionDenied if status == 403 else PveError
        texts = {name: str(text) for name, text in errors.items() if isinstance(text, str)}
        return kind(label, status, reason or f"HTTP {status}", texts)

    def _refused(self, reason: str) -> AuthenticationFailed:
        who = self.credentials.identity
        setting = "proxmox.password" if self.credentials.uses_ticket else "proxmox.token and proxmox.secret"
        return AuthenticationFailed(
            f"{self.endpoint.where} refuses {who}: {reason or 'not signed in'}",
            hint=f"check {setting} in local/config.json; a token may have expired or been removed",
        )


def _plain(value: Any) -> Any:
    """``value`` as a form carries it: PVE takes 0 and 1 only for booleans."""
    if isinstance(value, Secret):
        return value.reveal()
    return int(value) if isinstance(value, bool) else value
