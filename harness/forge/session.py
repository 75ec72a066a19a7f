"""One HTTP session to a forge: its credentials, its trust, and what its failures mean."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from harness.forge.errors import Conflict, ForgeError, ForgeUnreachable, LoginRefused, NotFound
from harness.kit.errors import HarnessError
from harness.kit.secret import Secret

TIMEOUT: Final = (5.0, 60.0)
"""Seconds to connect, and between two bytes of an answer (a merge of a large repository takes its time)."""
_CONNECTIONS: Final = 8
_KINDS: Final = {404: NotFound, 409: Conflict}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a forge answers: ``http://localhost:8080``. ``ca``: a PEM file of authorities to trust instead of the
    public ones."""

    url: str
    ca: Path | None = None

    @property
    def base(self) -> str:
        """The address without a slash at its end."""
        return self.url.rstrip("/")

    @property
    def api(self) -> str:
        """Root of the API."""
        return f"{self.base}/api/v1"

    def page(self, *parts: object) -> str:
        """Address of a page, ``page("main/config", "pulls", 1)``."""
        return "/".join([self.base, *(str(part).strip("/") for part in parts)])

    def clone(self, slug: str) -> str:
        """Where git finds repository ``owner/name``."""
        return f"{self.base}/{slug}.git"


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are: a user with a password, or with a token."""

    user: str
    password: Secret | None = None
    token: Secret | None = None

    @property
    def header(self) -> Secret:
        """The value of ``Authorization``."""
        if self.token is not None:
            return Secret(f"token {self.token.reveal()}")
        return self.basic

    @property
    def basic(self) -> Secret:
        """The same as HTTP basic authentication, which git speaks; a token stands in the password's place."""
        secret = self.token or self.password or Secret("")
        return Secret("Basic " + b64encode(f"{self.user}:{secret.reveal()}".encode()).decode())


class _Auth(AuthBase):
    """Sets the header by itself: without it requests would look for a login of its own in ``~/.netrc``."""

    def __init__(self, login: Login | None) -> None:
        self._header = login.header if login else None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._header is not None:
            request.headers["Authorization"] = self._header.reveal()
        return request


def open_session(address: Address, login: Login | None) -> requests.Session:
    """A session that trusts ``address.ca`` (or the public authorities) and takes nothing from the environment."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(address.ca) if address.ca else True
    session.auth = _Auth(login)
    session.headers.update({"Accept": "application/json", "User-Agent": "proxmox-gitops"})
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=_CONNECTIONS))
    return session


def unreachable(address: Address, error: requests.RequestException) -> ForgeUnreachable:
    """A broken connection as the harness says it."""
    if isinstance(error, requests.exceptions.SSLError):
        hint = "no known authority vouches for its certificate: name the authority's file in the settings"
        return ForgeUnreachable(f"the forge at {address.base} shows a certificate that is not trusted", hint=hint)
    why = "no answer in time" if isinstance(error, requests.Timeout) else "it does not answer"
    return ForgeUnreachable(f"the forge at {address.base} cannot be reached: {why}", detail=str(error))


def refusal(call: str, response: requests.Response, login: Login | None) -> HarnessError:
    """An answer that is no success, as an error."""
    reason = _reason(response)
    if response.status_code == 401:
        who = login.user if login else "nobody"
        return LoginRefused(f"{call}: the forge refuses {who}: {reason}", hint="check login, password or token")
    return _KINDS.get(response.status_code, ForgeError)(call, response.status_code, reason)


def _reason(response: requests.Response) -> str:
    """Gitea's sentence, with the single causes that it lists behind it."""
    try:
        data = response.json()
    except ValueError:
        text = response.text.strip()
        return text.splitlines()[0][:200] if text and not text.startswith("<") else str(response.reason)
    return _sentence(data) if isinstance(data, Mapping) else str(response.reason)


def _sentence(data: Mapping[str, Any]) -> str:
    causes = data.get("errors") or []
    texts = [str(data.get("message") or "no reason given"), *(str(cause) for cause in causes)]
    return "; ".join(texts)
