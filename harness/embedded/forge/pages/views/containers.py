"""Containers: the page, and the endpoint that the harness publishes to.

``PUT /api/gitops/containers`` replaces the document, ``PUT /api/gitops/containers/<name>`` one container; both with a
token (scope ``write:repository``). Who may write ``main/config`` may publish everything, who may write a container's
own repository that container. ``GET`` reads, ``DELETE …/<name>`` forgets.
"""

from __future__ import annotations

from starlette.responses import Response

from harness.embedded.forge import clock
from harness.embedded.forge.api.call import answer, empty
from harness.embedded.forge.errors import ForbiddenError, not_found
from harness.embedded.forge.pages import gitops, respond, words
from harness.embedded.forge.pages.doors import API, USER, Doors
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.services import containers
from harness.embedded.forge.services.containers import Board

doors = Doors()
_API = "/api/gitops/containers"
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


@gitops.guarded
def _read(page: Page) -> Response:
    gitops.needs_scope(page, "read")
    return answer(containers.as_json(containers.read(page.forge) or Board()))


@gitops.guarded
def _publish(page: Page) -> Response:
    gitops.needs_scope(page, "write")
    if not gitops.may_publish(page):
        raise ForbiddenError("who publishes every container must be allowed to write main/config")
    return answer(containers.as_json(containers.publish(page.forge, gitops.document(page, containers.MOST_BYTES))))


@gitops.guarded
def _publish_one(page: Page) -> Response:
    gitops.needs_scope(page, "write")
    name, document = page.params["name"], gitops.document(page, containers.MOST_BYTES)
    given = document.get("repository") if isinstance(document, dict) else None
    _check_one(page, name, str(given or ""))
    containers.publish_one(page.forge, name, document)
    return empty(204)


@gitops.guarded
def _forget(page: Page) -> Response:
    gitops.needs_scope(page, "write")
    _check_one(page, page.params["name"], "")
    if not containers.remove_one(page.forge, page.params["name"]):
        raise not_found()
    return empty(204)


doors.add("GET", _API, API)(_read)
doors.add("PUT", _API, API)(_publish)
doors.add("PUT", f"{_API}/{{name}}", API)(_publish_one)
doors.add("DELETE", f"{_API}/{{name}}", API)(_forget)


def _check_one(page: Page, name: str, given: str) -> None:
    """Who may not write ``main/config`` publishes only what belongs to a repository of his, before and after."""
    if gitops.may_publish(page):
        return
    board = containers.read(page.forge) or Board()
    known = next((one.repository for one in board.containers if one.name == name), given)
    for full_name in {known, given or known}:
        if not gitops.may_write(page, gitops.repository(page, full_name)):
            raise ForbiddenError("who publishes a container must be allowed to write its repository")
