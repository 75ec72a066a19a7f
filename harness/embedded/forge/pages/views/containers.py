"""Containers: the page, and the endpoint that the harness publishes to.

``PUT /api/gitops/containers`` replaces the document, ``PUT /api/gitops/containers/<name>`` one container; both with a
token (scope ``write:repository``). Who may write ``main/config`` may publish everything, who may write a container's
own repository that container. ``GET`` reads, ``DELETE …/<name>`` forgets.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from harness.embedded.forge import access, clock, scopes
from harness.embedded.forge.access import Mode
from harness.embedded.forge.api.call import answer, empty
from harness.embedded.forge.errors import ForbiddenError, ForgeError, InvalidError, UnauthorisedError, not_found
from harness.embedded.forge.pages import respond, words
from harness.embedded.forge.pages.doors import API, USER, Doors, Handler
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.services import containers
from harness.embedded.forge.services.containers import Board
from harness.embedded.forge.store import accounts, repositories
from harness.embedded.forge.store.records import Repository

doors = Doors()
_API = "/api/gitops/containers"
CONTROL = ("main", "config")
_STALE_SECONDS = 4 * 3600  # the health task looks every three hours


@doors.get("/containers", USER)
def board(page: Page) -> Response:
    """Every container; ``?show=changes`` or ``failing`` only those."""
    found, only = containers.read(page.forge) or Board(), page.arg("show")
    shown = [one for one in found.containers if _wanted(one, only)]
    told = words.seconds_of(found.published)
    stale = told is not None and clock.now() - told > _STALE_SECONDS
    return respond.show(page, "containers", board=found, shown=shown, only=only, stale=stale)


def _wanted(one: containers.Container, only: str) -> bool:
    if only == "changes":
        return bool(one.changes)
    return one.specs.outcome == "failed" if only == "failing" else True


def _api(handler: Handler) -> Handler:
    """Refusals as JSON, as everywhere below ``/api``."""

    def guarded(page: Page) -> Response:
        try:
            page.identity = page.forge.authenticator.identify(page.headers.get("authorization"))
            if page.identity.user is None:
                raise UnauthorisedError("token is required")
            return handler(page)
        except ForgeError as refused:
            return answer(refused.body(page.base), refused.code)

    return guarded


@_api
def _read(page: Page) -> Response:
    _needs_scope(page, "read")
    return answer(containers.as_json(containers.read(page.forge) or Board()))


@_api
def _publish(page: Page) -> Response:
    _needs_scope(page, "write")
    if not _may_write(page, _repository(page, *CONTROL)):
        raise ForbiddenError("who publishes every container must be allowed to write main/config")
    return answer(containers.as_json(containers.publish(page.forge, _document(page))))


@_api
def _publish_one(page: Page) -> Response:
    _needs_scope(page, "write")
    name, document = page.params["name"], _document(page)
    given = document.get("repository") if isinstance(document, dict) else None
    _check_one(page, name, str(given or ""))
    containers.publish_one(page.forge, name, document)
    return empty(204)


@_api
def _forget(page: Page) -> Response:
    _needs_scope(page, "write")
    _check_one(page, page.params["name"], "")
    if not containers.remove_one(page.forge, page.params["name"]):
        raise not_found()
    return empty(204)


doors.add("GET", _API, API)(_read)
doors.add("PUT", _API, API)(_publish)
doors.add("PUT", f"{_API}/{{name}}", API)(_publish_one)
doors.add("DELETE", f"{_API}/{{name}}", API)(_forget)


def _needs_scope(page: Page, level: str) -> None:
    token = page.identity.token
    if token and not scopes.allows(token.scopes, scopes.REPOSITORY, level):
        words_ = f"required=[{level}:{scopes.REPOSITORY}], token scope={token.scopes}"
        raise ForbiddenError(f"token does not have at least one of required scope(s), {words_}")


def _document(page: Page) -> Any:
    if len(page.raw_body) > containers.MOST_BYTES:
        raise ForgeError("the document is larger than 1 MiB", status=413)
    try:
        return json.loads(page.raw_body)
    except ValueError as wrong:
        raise InvalidError(f"no JSON: {wrong}") from wrong


def _repository(page: Page, owner: str, name: str) -> Repository | None:
    account = accounts.by_name(page.forge.db, owner)
    return repositories.by_name(page.forge.db, account.id, name) if account else None


def _may_write(page: Page, found: Repository | None) -> bool:
    if found is None:
        return page.identity.user is not None and page.identity.user.admin and page.identity.token is None
    return access.mode(page.forge.db, page.identity, found) >= Mode.WRITE


def _check_one(page: Page, name: str, given: str) -> None:
    """Who may not write ``main/config`` publishes only what belongs to a repository of his, before and after."""
    if _may_write(page, _repository(page, *CONTROL)):
        return
    board = containers.read(page.forge) or Board()
    known = next((one.repository for one in board.containers if one.name == name), given)
    for full_name in {known, given or known}:
        owner, _, repository = full_name.partition("/")
        found = _repository(page, owner, repository)
        if found is None or access.mode(page.forge.db, page.identity, found) < Mode.WRITE:
            raise ForbiddenError("who publishes a container must be allowed to write its repository")
