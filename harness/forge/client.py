"""Calls to a forge's API as plain methods with plain values, raising the harness's errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, Final, TypeVar
from urllib.parse import quote

import requests

from harness.forge.errors import ForgeUnreachable, NotFound
from harness.forge.session import TIMEOUT, Address, Login, open_session, refusal, unreachable
from harness.kit.clock import Clock, SystemClock

__all__ = ["Address", "Forge", "Login", "segment"]

T = TypeVar("T")
R = TypeVar("R")

PAGE: Final = 50
"""Entries a page: the most that Gitea gives by default."""
_AT_ONCE: Final = 6
_RETRY_PAUSES: Final = (0.2, 0.8)
_BUSY: Final = frozenset({502, 503, 504})  # a proxy in front of a forge that restarts


def segment(value: object) -> str:
    """``value`` as one segment of a path."""
    return quote(str(value), safe="")


class Forge:
    """One forge seen through one login (None: as anybody).

    A GET is tried again when the connection breaks; a write never is, for it may have been carried out.
    """

    def __init__(
        self,
        address: Address,
        login: Login | None = None,
        *,
        session: requests.Session | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.address = address
        self.login = login
        self.clock: Clock = clock or SystemClock()
        self._session = session or open_session(address, login)

    def get(self, path: str, **params: Any) -> Any:
        """GET; the answer's data."""
        return self._data("GET", path, params=params)

    def text(self, path: str, **params: Any) -> str:
        """GET of something that is not JSON (a diff, a log)."""
        return self._call("GET", path, params=params).text

    def raw(self, path: str, **params: Any) -> bytes:
        """GET of a file's bytes."""
        return self._call("GET", path, params=params).content

    def post(self, path: str, body: Mapping[str, Any] | None = None, **params: Any) -> Any:
        """POST; the answer's data."""
        return self._data("POST", path, params=params, json=dict(body or {}))

    def put(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """PUT; the answer's data."""
        return self._data("PUT", path, json=dict(body or {}))

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """PATCH; the answer's data."""
        return self._data("PATCH", path, json=dict(body))

    def delete(self, path: str, **params: Any) -> None:
        """DELETE."""
        self._call("DELETE", path, params=params)

    def listed(self, path: str, key: str | None = None, **params: Any) -> list[Any]:
        """All entries of a paged list; ``key`` names it where the list is wrapped in an object."""
        found: list[Any] = []
        page = 1
        while True:
            response = self._call("GET", path, params={**params, "page": page, "limit": PAGE})
            data = _decoded(response)
            entries = (data or {}).get(key) if key else data
            found += entries or []
            if not entries or _complete(response, data, len(found), len(entries)):
                return found
            page += 1

    def find(self, path: str, **params: Any) -> Any | None:
        """GET; None when it is not there."""
        try:
            return self.get(path, **params)
        except NotFound:
            return None

    def gather(self, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """``work`` on every item, a few at a time, in order; the first error is raised when all have ended."""
        wanted: Sequence[T] = list(items)
        if len(wanted) <= 1:
            return [work(item) for item in wanted]
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            return list(pool.map(work, wanted))

    @cached_property
    def version(self) -> str:
        """The forge's version, ``1.26.0``."""
        return str(self.get("version")["version"])

    def close(self) -> None:
        """Let the connections go."""
        self._session.close()

    def _data(self, method: str, path: str, **options: Any) -> Any:
        return _decoded(self._call(method, path, **options))

    def _call(self, method: str, path: str, **options: Any) -> requests.Response:
        response = self._patient(path, **options) if method == "GET" else self._send(method, path, **options)
        if not response.ok:
            raise refusal(f"{method} {path}", response, self.login)
        return response

    def _patient(self, path: str, **options: Any) -> requests.Response:
        """A GET, tried again when it did not come through."""
        for pause in _RETRY_PAUSES:
            try:
                response = self._send("GET", path, **options)
            except ForgeUnreachable:
                self.clock.sleep(pause)
                continue
            if response.status_code not in _BUSY:
                return response
            self.clock.sleep(pause)
        return self._send("GET", path, **options)

    def _url(self, path: str) -> str:
        """Below the API's root; a path that begins with a slash is below the forge's own."""
        return f"{self.address.base}{path}" if path.startswith("/") else f"{self.address.api}/{path}"

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:
        try:
            return self._session.request(method, self._url(path), timeout=TIMEOUT, **options)
        except requests.RequestException as error:
            raise unreachable(self.address, error) from error


def _decoded(response: requests.Response) -> Any:
    """The answer's JSON; None where it has none."""
    if not response.content.strip():
        return None
    try:
        return response.json()
    except ValueError:
        return None


def _complete(response: requests.Response, data: Any, found: int, last: int) -> bool:
    """Whether a list has ended: by the total that the forge names, else by a page that is not full."""
    total = response.headers.get("X-Total-Count") or (data.get("total_count") if isinstance(data, dict) else None)
    return found >= int(total) if total is not None else last < PAGE
