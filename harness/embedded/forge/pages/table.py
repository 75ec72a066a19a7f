"""From an address to a view: who asks, may they, and what becomes of what goes wrong."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from harness.embedded.forge import access
from harness.embedded.forge.access import Identity, Mode
from harness.embedded.forge.errors import EmptyError, ForgeError, FullError, UnauthorisedError, is_full, not_found
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.pages import respond, sessions
from harness.embedded.forge.pages.desk import Desk
from harness.embedded.forge.pages.doors import API, Door, Doors
from harness.embedded.forge.pages.page import Page, SignInError
from harness.embedded.forge.pages.views import (
    branches,
    code,
    commits,
    compare,
    containers,
    files,
    home,
    owners,
    pull_actions,
    pulls,
    reports,
    repository,
    runs,
    settings,
    sign_in,
    variables,
)
from harness.embedded.forge.services import repositories
from harness.embedded.forge.services.repositories import MovedError
from harness.kit.secret import redact

_log = logging.getLogger(__name__)
AREAS: tuple[Doors, ...] = (
    home.doors, sign_in.doors, settings.doors, containers.doors, variables.doors, compare.doors, pulls.doors,
    pull_actions.doors, reports.doors, runs.doors, commits.doors, branches.doors, files.doors, code.doors,
    repository.doors, owners.doors,
)  # fmt: skip


def routes(forge: Forge) -> list[BaseRoute]:
    """All of them; what none of them knows is not found."""
    desk = Desk()
    doors = [door for area in AREAS for door in area.doors]
    made: list[BaseRoute] = [_route(forge, desk, door) for door in doors]
    methods = ("GET", "POST", "PUT", "DELETE", "PATCH")
    return [*made, *(_route(forge, desk, Door(method, "/{path:path}", _nothing, API)) for method in methods)]


def _nothing(_page: Page) -> Response:
    raise not_found()


def _route(forge: Forge, desk: Desk, door: Door) -> Route:
    return Route(door.pattern, _endpoint(forge, desk, door), methods=[door.method])


def _endpoint(forge: Forge, desk: Desk, door: Door) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        body = await _body(request, door.needs.most)
        if body is None:
            return Response("Too much.\n", 413)
        page = _page(forge, desk, request, body)
        return await anyio.to_thread.run_sync(_answer, page, door)

    return endpoint


async def _body(request: Request, most: int) -> bytes | None:
    """What was sent; ``None`` when it is too much."""
    found = bytearray()
    if request.method != "GET":
        async for chunk in request.stream():
            found += chunk
            if len(found) > most:
                return None
    return bytes(found)


def _page(forge: Forge, desk: Desk, request: Request, body: bytes) -> Page:
    from harness.embedded.forge.application import base_of  # noqa: PLC0415 - the application imports the pages

    is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    form = parse_qs(body.decode(errors="replace"), keep_blank_values=True) if is_form else {}
    return Page(
        forge=forge,
        desk=desk,
        method="GET" if request.method == "HEAD" else request.method,
        path=request.url.path,
        params={name: str(value) for name, value in request.path_params.items()},
        query={name: request.query_params.getlist(name) for name in request.query_params},
        form=form,
        headers=request.headers,
        base=base_of(forge, request),
        client=request.client.host if request.client else "",
        visit=request.cookies.get(sessions.VISIT, ""),
        raw_body=body,
    )


def _answer(page: Page, door: Door) -> Response:
    """Run the view in a worker thread."""
    try:
        _identify(page)
        if page.method != "GET" and not door.needs.api:
            _check_form(page)
        _check(page, door)
        return door.handler(page)
    except SignInError:
        return respond.sign_in_first(page)
    except MovedError as moved:
        rest = "/".join(page.path.split("/")[3:])
        return respond.go(page, f"/{moved.repository.full_name}{'/' + rest if rest else ''}")
    except ForgeError as failed:
        return _refused(page, failed)
    except EmptyError:
        return respond.missing(page)
    except Exception as error:  # every bug ends as a page, and in the log
        return _failed(page, error)


def _failed(page: Page, error: Exception) -> Response:
    mark = secrets.token_hex(4)
    _log.error("%s: %s %s failed", mark, page.method, redact(page.path), exc_info=error)
    if is_full(error):
        return _refused(page, FullError())
    words = f"It is a fault of the forge, not yours. Its log tells more; look there for {mark}."
    return respond.refused(page, 500, "Something went wrong", words)


def _identify(page: Page) -> None:
    """By the session, or for readers by an ``Authorization`` header."""
    page.session = sessions.find(page.forge, _cookie(page, sessions.COOKIE))
    if page.session:
        page.identity = Identity(page.session.user)
        return
    try:
        page.identity = page.forge.authenticator.identify(page.headers.get("authorization"))
    except UnauthorisedError:
        page.identity = access.NOBODY


def _cookie(page: Page, name: str) -> str | None:
    for part in page.headers.get("cookie", "").split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value.strip('"')
    return None


def _check_form(page: Page) -> None:
    """A form must come from a page of this forge and of this session."""
    if page.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise ForgeError("This form came from another site.", status=403)
    if not sessions.is_form_token(page.secret, page.value("_csrf")):
        raise ForgeError("This form has run out: go back, load the page again and send it once more.", status=403)


def _check(page: Page, door: Door) -> None:
    if door.needs.user:
        _ = page.user
    if "owner" not in page.params or "repo" not in page.params:
        return
    name = page.params["repo"].removesuffix(".git")
    page.found = repositories.find(page.forge, page.identity, page.params["owner"], name)
    if page.mode < door.needs.mode:
        if page.viewer is None:
            raise SignInError
        raise not_found()
    if door.needs.mode > Mode.READ and page.method != "GET" and page.repository.archived and not door.needs.archived:
        raise ForgeError(f"{page.repository.full_name} is archived: it can be read, not changed.", status=423)


def _refused(page: Page, failed: ForgeError) -> Response:
    """For a page its refusal; for a form a note on the page it was on."""
    if failed.code == 404 and page.method == "GET":
        return respond.missing(page)
    if page.method != "GET" and page.session and failed.code != 403 and page.back != "/":
        page.say(_words(failed), "bad")
        return respond.go(page, page.back)
    titles = {403: "Not allowed", 404: "Not found", 413: "Too much", 429: "Too many attempts"}
    return respond.refused(page, failed.code, titles.get(failed.code, "That did not work"), _words(failed))


def _words(failed: ForgeError) -> str:
    """The forge's own words, as a sentence."""
    text = failed.message.strip() or "The forge refused."
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?', ']')) else '.'}"
