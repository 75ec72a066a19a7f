"""One request as a route sees it, and the answers a route gives."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from harness.embedded.forge.access import Identity, Mode
from harness.embedded.forge.errors import EmptyError, UnauthorisedError
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.git.repository import GitRepository
from harness.embedded.forge.shapes.view import View
from harness.embedded.forge.store.records import Account, Repository

DEFAULT_LIMIT, MOST = 30, 50


@dataclass
class Call:
    """A request: who, what, with which body; ``repository`` and ``organisation`` are found before the route runs."""

    forge: Forge
    method: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    base: str
    identity: Identity
    found_repository: Repository | None = None
    found_organisation: Account | None = None
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def user(self) -> Account:
        """Who asks; raises ``UnauthorisedError`` when nobody signed in."""
        if self.identity.user is None:
            raise UnauthorisedError("token is required")
        return self.identity.user

    @property
    def repository(self) -> Repository:
        """The repository in the path."""
        if self.found_repository is None:
            raise EmptyError(404)
        return self.found_repository

    @property
    def organisation(self) -> Account:
        """The organisation in the path."""
        if self.found_organisation is None:
            raise EmptyError(404)
        return self.found_organisation

    @property
    def git(self) -> GitRepository:
        """The git directory of the repository in the path."""
        return self.forge.git(self.repository.id)

    @cached_property
    def view(self) -> View:
        """For shapes."""
        return self.forge.view(self.identity, self.base)

    @cached_property
    def mode(self) -> Mode:
        """What the asker may do with the repository in the path."""
        return self.view.mode(self.repository)

    def arg(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.query.get(name, [default])[0]

    def flag(self, name: str, default: bool = True) -> bool:
        """A boolean query parameter as Go reads it."""
        value = self.arg(name).lower()
        return default if value == "" else value in {"1", "t", "true"}

    def number(self, name: str) -> int:
        """A number in the path; what is none finds nothing."""
        value = self.params[name]
        return int(value) if value.isdecimal() and len(value) < 19 else 0

    @property
    def page(self) -> int:
        """The page asked for, from 1."""
        value = self.arg("page")
        return max(int(value), 1) if value.isdecimal() and len(value) < 10 else 1

    @property
    def limit(self) -> int:
        """The page's size; strange ones mean the default."""
        value = self.arg("limit") or self.arg("per_page")
        asked = int(value) if value.isdecimal() and len(value) < 10 else 0
        return min(asked, MOST) if asked > 0 else DEFAULT_LIMIT

    @property
    def start(self) -> int:
        """How many entries come before the page."""
        return (self.page - 1) * self.limit

    def slice(self, items: Sequence[Any]) -> Sequence[Any]:
        """The entries of the page."""
        return items[self.start : self.start + self.limit]

    def link(self, total: int) -> str:
        """The ``Link`` header's value, in the order next, last, first, prev."""
        last = max(-(-total // self.limit), 1)
        page = min(self.page, last)
        wanted = [("next", page + 1), ("last", last)] if page < last else []
        wanted += [("first", 1), ("prev", page - 1)] if page > 1 else []
        return ",".join(f'<{self._page_url(number)}>; rel="{name}"' for name, number in wanted)

    def _page_url(self, number: int) -> str:
        values = {**self.query, "page": [str(number)]}
        return f"{self.base}{self.path}?{urlencode(sorted(values.items()), doseq=True)}"


def json_body(value: Any) -> bytes:
    """As compact as Go writes it, with a newline."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON."""
    all_headers = {**(headers or {}), "content-type": "application/json;charset=utf-8"}
    return Response(json_body(value), status, all_headers)


def empty(status: int = 204) -> Response:
    """No body."""
    return Response(b"", status)


def plain(text: str | bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Text."""
    return Response(text, status, {**(headers or {}), "content-type": "text/plain; charset=utf-8"})


def paged(call: Call, items: Sequence[Any], total: int | None = None) -> Response:
    """A page of ``items``, or ``items`` as the page when ``total`` is given."""
    shown = list(call.slice(items) if total is None else items)
    count = len(items) if total is None else total
    return answer(shown, 200, page_headers(call, count))


def page_headers(call: Call, total: int, *, more: bool = False) -> dict[str, str]:
    """The headers of a page of something; ``more`` adds those of lists of commits."""
    link = call.link(total)
    found = {"x-total-count": str(total), **({"link": link} if link else {})}
    if more:
        pages = -(-total // call.limit)
        found |= {
            "x-page": str(call.page),
            "x-perpage": str(call.limit),
            "x-total": str(total),
            "x-pagecount": str(pages),
            "x-hasmore": "true" if call.page < pages else "false",
        }
    return found
