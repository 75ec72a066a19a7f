"""From an HTTP request to a route and back: who asks, may they, does it exist, what went wrong."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qs

from starlette.responses import Response

from harness.embedded.forge import access, scopes
from harness.embedded.forge.access import Identity, Mode
from harness.embedded.forge.api import (
    absent,
    actions,
    branches,
    comments,
    contents,
    credentials,
    history,
    hooks,
    issues,
    labels,
    meta,
    migrating,
    objects,
    orgs,
    pulls,
    releases,
    repos,
    reviews,
    tags,
    users,
    variables,
)
from harness.embedded.forge.api.call import Call, answer, empty, plain
from harness.embedded.forge.api.routing import Needs, Table
from harness.embedded.forge.errors import (
    EmptyError,
    ForbiddenError,
    ForgeError,
    FullError,
    InternalError,
    LockedError,
    MissingError,
    UnauthorisedError,
    is_full,
    no_user,
    not_found,
)
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.services import organisations, repositories
from harness.embedded.forge.services.repositories import MovedError
from harness.embedded.forge.store import accounts
from harness.kit.secret import redact

PREFIX = "/api/v1"
TABLE = Table(
    meta.routes,
    users.routes,
    credentials.routes,
    orgs.routes,
    variables.routes,
    actions.routes,
    hooks.routes,
    branches.routes,
    contents.routes,
    history.routes,
    objects.routes,
    tags.routes,
    releases.routes,
    pulls.routes,
    reviews.routes,
    comments.routes,
    issues.routes,
    labels.routes,
    repos.routes,
    migrating.routes,
    absent.routes,
)
_log = logging.getLogger(__name__)
_REFUSED = {
    Mode.WRITE: "user should have a permission to write to a repo",
    Mode.ADMIN: "user should be an owner or a collaborator with admin write of a repository",
    Mode.OWNER: "user should be the owner of the repo",
}


def handle(  # noqa: PLR0917
    forge: Forge, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, base: str
) -> Response:
    """Answer one request below ``/api/v1``; runs in a worker thread."""
    route, params, allowed = TABLE.find(method, path.removeprefix(PREFIX))
    if route is None:
        return _unrouted(allowed)
    asked = parse_qs(query, keep_blank_values=True)
    call = Call(forge, method, path, params, asked, headers, body, base, access.NOBODY)
    try:
        call.identity = _identity(call)
        _check(call, route.needs)
        return route.handler(call)
    except ForgeError as refused:
        return _refused(refused, base, call.identity)
    except EmptyError as refused:
        return empty(refused.status)
    except MovedError as moved:
        return _moved(call, moved, query)
    except Exception as error:  # every bug ends as an answer, and in the log
        _log.exception("%s %s failed", method, redact(path))
        failed = FullError() if is_full(error) else InternalError("internal server error")
        return _refused(failed, base, call.identity)


def _unrouted(allowed: tuple[str, ...]) -> Response:
    if not allowed:
        return plain("404 page not found\n", 404)
    response = empty(405)
    for name in allowed:
        response.headers.append("allow", name)
    return response


def _refused(refused: ForgeError, base: str, identity: Identity) -> Response:
    body = refused.body(base)
    if refused.code == 500 and not (identity.user and identity.user.admin):
        body["message"] = ""  # what went wrong inside is for administrators
    if refused.message == _ONLY_ADMINS:
        body.pop("url")
    return answer(body, refused.code)


def _moved(call: Call, moved: MovedError, query: str) -> Response:
    found = moved.repository
    old = f"/repos/{call.params['owner']}/{call.params['repo']}"
    target = call.path.replace(old, f"/repos/{found.full_name}", 1) + (f"?{query}" if query else "")
    code = 301 if call.method == "GET" else 307
    page = f'<a href="{target}">Moved Permanently</a>.\n'
    return Response(page, code, {"content-type": "text/html; charset=utf-8", "location": target})


_ONLY_ADMINS = "Only administrators allowed to sudo."


def _identity(call: Call) -> Identity:
    query_token = call.arg("access_token") or call.arg("token") or None
    identity = call.forge.authenticator.identify(call.headers.get("authorization"), query_token)
    name = call.headers.get("sudo") or call.arg("sudo")
    if not name or identity.user is None:
        return identity
    if not identity.user.admin:
        raise ForbiddenError(_ONLY_ADMINS)
    other = accounts.by_name(call.forge.db, name)
    if other is None:
        raise not_found()
    return replace(identity, user=other)


def _check(call: Call, needs: Needs) -> None:
    if needs.token or needs.site_admin:
        _ = call.user  # 401 first when nobody signed in
    _check_scopes(call, needs)
    if needs.site_admin and not call.user.admin:
        raise ForbiddenError("user should be the site admin")
    if "org" in call.params and call.path.startswith((f"{PREFIX}/orgs/", f"{PREFIX}/org/")):
        _find_organisation(call, needs)
    if "owner" in call.params and "repo" in call.params:
        _find_repository(call, needs)


def _check_scopes(call: Call, needs: Needs) -> None:
    token = call.identity.token
    if token is None:
        return
    level = "read" if call.method in {"GET", "HEAD"} else "write"
    for group in needs.scopes:
        if not all(scopes.allows(token.scopes, category, level) for category in group):
            wanted = " ".join(f"{level}:{category}" for category in group)
            words = f"required=[{wanted}], token scope={token.scopes}"
            raise ForbiddenError(f"token does not have at least one of required scope(s), {words}")


def _find_organisation(call: Call, needs: Needs) -> None:
    name = call.params["org"]
    found = organisations.find(call.forge, name)
    if not access.may_read_organisation(call.forge.db, call.identity.user, found):
        raise MissingError("GetOrgByName", errors=[no_user(name)])
    call.found_organisation = found
    if needs.member and not access.is_member(call.forge.db, call.user, found):
        raise ForbiddenError("Must be an organization member")
    if needs.org_owner and not access.is_owner(call.forge.db, call.user, found):
        raise ForbiddenError("Must be an organization owner")


def _find_repository(call: Call, needs: Needs) -> None:
    call.found_repository = repositories.find(call.forge, call.identity, call.params["owner"], call.params["repo"])
    if call.mode < needs.mode:
        if call.identity.user is None:
            raise UnauthorisedError("token is required")
        raise ForbiddenError(_REFUSED[needs.mode])
    if needs.writes and call.repository.archived:
        raise LockedError(f"{call.repository.full_name} is archived")
