"""What is reached by a browser's address and is no page: raw files, differences, archives.

Also the bare answers for pages while no page package is installed.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from urllib.parse import quote, unquote

from starlette.responses import RedirectResponse, Response

from harness.embedded.forge import access
from harness.embedded.forge.access import Identity, Mode
from harness.embedded.forge.api import contents as contents_api
from harness.embedded.forge.api import pulls as pulls_api
from harness.embedded.forge.api.call import Call
from harness.embedded.forge.errors import ForgeError, UnauthorisedError, not_found
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.git import trees
from harness.embedded.forge.services import contents, pulls, repositories
from harness.embedded.forge.services.repositories import MovedError
from harness.embedded.forge.store import accounts

_HTML = {"content-type": "text/html; charset=utf-8"}
_OPEN = ("", "src", "pulls", "commits", "actions", "branches", "tags", "commit", "compare", "releases")
_SIGNED = ("settings", "pulls/new")


def missing(headers: Mapping[str, str]) -> Response:
    """404: a page for browsers, text for everybody else."""
    if "text/html" in headers.get("accept", ""):
        return Response(_page("Not found"), 404, _HTML)
    return Response("Not found.\n", 404, {"content-type": "text/plain;charset=utf-8"})


def login(path: str) -> Response:
    """Sign in first, then come back."""
    target = f"/user/login?redirect_to={quote(path, safe='')}"
    body = f'<a href="{html.escape(target)}">See Other</a>.\n'
    return Response(body, 303, {**_HTML, "location": target})


def _page(title: str) -> str:
    return f"<!DOCTYPE html><html lang=en><title>{html.escape(title)}</title><h1>{html.escape(title)}</h1></html>\n"


def answer(forge: Forge, call: Call) -> Response:
    """The plain answer for a path; runs in a worker thread."""
    parts = [unquote(part) for part in call.path.strip("/").split("/")]
    try:
        call.identity = _identity(forge, call)
        return _routed(forge, call, parts)
    except MovedError as moved:
        rest = "/".join(quote(part) for part in parts[2:])
        return RedirectResponse(f"/{moved.repository.full_name}{'/' + rest if rest else ''}", 307)
    except ForgeError as refused:
        return missing(call.headers) if refused.code == 404 else Response(refused.message, refused.code)


def _identity(forge: Forge, call: Call) -> Identity:
    try:
        return forge.authenticator.identify(call.headers.get("authorization"))
    except UnauthorisedError:
        return access.NOBODY


def _routed(forge: Forge, call: Call, parts: list[str]) -> Response:
    if parts in ([""], ["user", "login"], ["explore", "repos"], ["explore", "organizations"], ["explore", "users"]):
        return Response(_page("Forge"), 200, _HTML)
    if parts[0] in {"user", "notifications", "repo", "org"}:
        return login(call.path) if call.identity.user is None else Response(_page("Forge"), 200, _HTML)
    if len(parts) == 1:
        if accounts.by_name(forge.db, parts[0]) is None:
            raise not_found()
        return Response(_page(parts[0]), 200, _HTML)
    return _repository(forge, call, parts)


def _repository(forge: Forge, call: Call, parts: list[str]) -> Response:
    name = parts[1].removesuffix(".git")
    call.found_repository = repositories.find(forge, call.identity, parts[0], name)
    rest = parts[2:]
    if rest[:1] == ["raw"] and len(rest) >= 4:
        return raw(forge, call, rest[1], rest[2:])
    if rest[:1] == ["archive"] and len(rest) >= 2:
        return contents_api.make_archive(call, "/".join(rest[1:]))
    if rest[:1] == ["pulls"] and len(rest) == 2 and rest[1].endswith((".diff", ".patch")):
        number, _, kind = rest[1].partition(".")
        found = pulls.find(forge, call.repository, int(number) if number.isdigit() else 0)
        return pulls_api.difference(call, found, kind)
    if rest[:1] == ["settings"]:
        if call.identity.user is None:
            return login(call.path)
        if call.mode < Mode.ADMIN:
            raise not_found()
    elif (rest[0] if rest else "") not in _OPEN:
        raise not_found()
    return Response(_page(call.repository.full_name), 200, _HTML)


def raw(forge: Forge, call: Call, kind: str, rest: list[str]) -> Response:
    """The bytes of a file of a branch, tag or commit, whose name may have slashes."""
    if kind not in {"branch", "tag", "commit"}:
        raise not_found()
    for cut in range(1, len(rest)):
        rev, path = "/".join(rest[:cut]), "/".join(rest[cut:])
        try:
            where = contents.place(forge, call.repository, rev)
        except ForgeError:
            continue
        found = trees.find(call.git, where.sha, path) if kind in {where.kind, "commit"} else None
        if found and found.kind == "blob":
            return contents_api.raw_file(call.git.blob(found.sha), path)
    raise not_found()
