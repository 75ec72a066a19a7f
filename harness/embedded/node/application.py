"""One request from its first check to its answer.

The order is PVE's: authentication, CSRF, formatter, path, duplicate parameters, static permission, the node that is
named, the schema, and only then the code.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from harness.embedded.node import authentication, control, dispatch, faulty, parameters, routes
from harness.embedded.node.errors import ApiError, BareError, RawError, failure, invalid, not_implemented
from harness.embedded.node.node import Node
from harness.embedded.node.routing import Call, Result, Text
from harness.kit.errors import HarnessError

JSON_TYPE = "application/json;charset=UTF-8"
_FORMATS = ("json", "extjs")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the HTTP server read it; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""
    peer: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; no body means no content type either."""

    status: int
    reason: str
    body: bytes | None = None
    content_type: str = JSON_TYPE
    user: str = ""
    drop: bool = False
    """Whether the connection is reset in place of an answer."""


DROPPED = Response(0, "", drop=True)


class _Caller:
    """Who a request turned out to come from, for the access log."""

    user = ""


class Application:
    """Answers requests for one node."""

    def __init__(self, node: Node) -> None:
        self.node = node
        routes.load()

    def handle(self, request: Request) -> Response:
        """The answer to a request; whatever goes wrong, no traceback is in it."""
        if not request.path.startswith("/api2"):
            return self._control(request)
        kind, path = _split(request.path)
        facts = {"path": path, "method": request.method, "vmid": _vmid(path)}
        if faulty.strike(self.node, facts):
            return DROPPED
        response = self._respond(request, kind, path)
        return DROPPED if self.node.faults.take("lose-reply", **facts) else response

    def _respond(self, request: Request, kind: str, path: str) -> Response:
        caller = _Caller()
        return replace(self._guarded(request, kind, path, caller), user=caller.user)

    def _guarded(self, request: Request, kind: str, path: str, caller: _Caller) -> Response:
        try:
            fault = self.node.faults.take("answer", path=path, method=request.method, vmid=_vmid(path))
            if fault:
                raise faulty.answer(fault)
            return self._success(kind, self._answer(request, kind, path, caller))
        except BareError as error:
            if error.status == 401:
                authentication.delay(self.node)
            return Response(error.status, error.reason)
        except RawError as error:
            return Response(error.status, error.reason, error.message.encode(), "text/plain")
        except ApiError as error:
            return _failed(kind, error)
        except HarnessError as error:
            return _failed(kind, failure(str(error)))
        except Exception:
            # A mistake of this node: the trace belongs in its log, the client sees a plain 500.
            _log.exception("%s %s", request.method, request.path)
            return _failed(kind, failure("internal error of the embedded node"))

    def _control(self, request: Request) -> Response:
        asked = control.Asked(request.method, request.path, request.headers, request.body, request.peer)
        reply = control.handle(self.node, asked)
        return Response(reply.status, HTTPStatus(reply.status).phrase, _json(reply.body))

    def _answer(self, request: Request, kind: str, path: str, caller: _Caller) -> Any:
        user = caller.user = authentication.authenticate(self.node, request.method, path, request.headers)
        if kind not in _FORMATS:
            raise RawError(501, f"no formatter for uri {path}, {kind}")
        found = self.node.schema.find(request.method, path)
        if found is None:
            raise not_implemented(request.method, path)
        endpoint, in_path = found
        given, uploads = _given(request)
        values = _merged(in_path, given)
        return dispatch.run(Call(self.node, user, request.method, path, values, uploads), endpoint)

    def _success(self, kind: str, answer: Any) -> Response:
        if isinstance(answer, Text):
            return Response(200, "OK", answer.content.encode(), "text/plain")
        beside: Mapping[str, Any] = {}
        if isinstance(answer, Result):
            answer, beside = answer.data, answer.beside
        body = {"data": answer, **beside}
        if kind == "extjs":
            body["success"] = 1
        return Response(200, "OK", _json(body))


def _split(path: str) -> tuple[str, str]:
    """Formatter and path below ``/api2``; the path is decoded and has no slash at its end."""
    parts = unquote(path).split("/")
    kind = parts[2] if len(parts) > 2 else ""
    return kind, "/" + "/".join(part for part in parts[3:] if part)


def _vmid(path: str) -> str | None:
    found = re.search(r"/lxc/(\d+)(?:/|$)", path)
    return found[1] if found else None


def _given(request: Request) -> tuple[dict[str, Any], Mapping[str, Any]]:
    values = parameters.from_form(request.query)
    if request.method in ("GET", "DELETE"):
        return values, {}
    body, uploads = parameters.from_body(request.body, request.headers.get("content-type", ""))
    return {**values, **body}, uploads


def _merged(in_path: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
    double = sorted(name for name, value in given.items() if name in in_path and value != in_path[name])
    if double:
        raise invalid({double[0]: "duplicate parameter (already defined in URI) with conflicting values!"})
    return {**in_path, **given}


def _failed(kind: str, error: ApiError) -> Response:
    body: dict[str, Any] = {"data": None, "message": error.body_text}
    if error.errors:
        body["errors"] = error.errors
    if kind == "extjs":
        status: Any = str(error.status) if error.coded else error.status
        return Response(200, "OK", _json({**body, "success": 0, "status": status}))
    return Response(error.status, error.reason, _json(body))


def _json(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")
