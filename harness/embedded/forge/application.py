"""The ASGI application: API, git, the runners' protocol, files, and pages when that package is there."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from harness.embedded.forge import access, git_http, web
from harness.embedded.forge.api import dispatch
from harness.embedded.forge.api.call import Call, json_body
from harness.embedded.forge.forge import Forge

MOST_BODY = 64 * 1024 * 1024
_PAGES = "harness.embedded.forge.pages"
_HTML = {"content-type": "text/html; charset=utf-8"}


class Application:
    """Routes by path: ``/api/v1``, ``/api/…``, git's own paths, then pages, then plain answers."""

    def __init__(self, forge: Forge, runners: Callable[[Request], Awaitable[Response]] | None = None) -> None:
        self._forge = forge
        self._runners = runners
        self._pages: ASGIApp | None = _load_pages(forge)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        request = Request(scope, receive)
        response = await self._answer(request)
        if response is None:
            assert self._pages is not None
            await self._pages(scope, receive, send)
        else:
            await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response | None:
        path = request.url.path
        if path.startswith(f"{dispatch.PREFIX}/"):
            return await self._api(request)
        if path.startswith("/api/") and not (self._pages and path.startswith("/api/gitops/")):
            return await self._other_api(request, path)
        wanted = git_http.target(path)
        if wanted and request.method in {"GET", "POST"}:
            return await git_http.serve(self._forge, request, wanted, base_of(self._forge, request))
        if self._pages:
            return None  # raw files, too: their readers may have a session
        return await self._web(request)

    async def _api(self, request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return Response(b"", 413)
        base = base_of(self._forge, request)
        raw_path = request.scope.get("raw_path", b"").decode("latin-1").partition("?")[0] or request.url.path
        query = request.url.query
        return await anyio.to_thread.run_sync(
            dispatch.handle, self._forge, request.method, raw_path, query, request.headers, body, base
        )

    async def _other_api(self, request: Request, path: str) -> Response:
        if path == "/api/healthz":
            return await anyio.to_thread.run_sync(health, self._forge)
        if path == "/api/swagger":
            return Response("<!DOCTYPE html><html lang=en><title>API</title></html>\n", 200, _HTML)
        if path.startswith("/api/runner/") and self._runners:
            return await self._runners(request)
        return web.missing(request.headers)

    async def _web(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            return web.missing(request.headers)
        base = base_of(self._forge, request)
        call = Call(
            self._forge, "GET", request.url.path, {}, _query(request), request.headers, b"", base, access.NOBODY
        )
        return await anyio.to_thread.run_sync(web.answer, self._forge, call)


def _query(request: Request) -> Mapping[str, list[str]]:
    return {name: request.query_params.getlist(name) for name in request.query_params}


async def _body(request: Request) -> bytes | None:
    """The whole body, or ``None`` when it is too large."""
    parts, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BODY:
            return None
        parts.append(chunk)
    return b"".join(parts)


def base_of(forge: Forge, request: Request) -> str:
    """What links begin with: the configured address, or the one that was asked."""
    if forge.settings.root_url:
        return forge.base
    host = request.headers.get("host", "")
    return f"{request.url.scheme}://{host}" if host else forge.base


def health(forge: Forge) -> Response:
    """Whether the database answers, in the form of Gitea's health check."""
    forge.db.value("SELECT 1")
    check = [{"status": "pass", "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}]
    checks = {"cache:ping": check, "database:ping": check}
    body: dict[str, Any] = {"status": "pass", "description": "Gitea", "checks": checks}
    return Response(json_body(body), 200, {"content-type": "application/json"})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _load_pages(forge: Forge) -> ASGIApp | None:
    """The pages, if their package is installed: it has ``routes(forge)``, a list of Starlette routes."""
    if not forge.settings.pages or importlib.util.find_spec(_PAGES) is None:
        return None
    module = importlib.import_module(_PAGES)
    routes: list[BaseRoute] = module.routes(forge)
    return Starlette(routes=routes)
