"""Signing in and out."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.responses import Response

from harness.embedded.forge.errors import ForgeError, UnauthorisedError
from harness.embedded.forge.pages import respond, sessions
from harness.embedded.forge.pages.doors import ANY, Doors
from harness.embedded.forge.pages.page import Page

doors = Doors()


def safe_target(wanted: str) -> str:
    """Where to go after the sign-in: a path of this forge, never another site."""
    parts = urlsplit(wanted)
    is_ours = not parts.scheme and not parts.netloc and wanted.startswith("/") and not wanted.startswith("//")
    plain = "\\" not in wanted and all(32 <= ord(letter) != 127 for letter in wanted)
    return wanted if is_ours and plain else "/"


@doors.get("/user/login")
def form(page: Page) -> Response:
    """The form; who has signed in already goes on."""
    target = safe_target(page.arg("redirect_to", "/"))
    if page.session:
        return respond.go(page, target)
    return respond.show(page, "sign_in", target=target, name="", problem="")


@doors.post("/user/login", ANY)
def sign_in(page: Page) -> Response:
    """Check name and password; a wrong pair costs time and, five times, patience."""
    name, target = page.value("user_name").strip(), safe_target(page.value("redirect_to") or "/")
    keys = ((page.desk.person, (page.client, name.lower())), (page.desk.address, page.client))
    patience = max(limiter.wait(key) for limiter, key in keys)
    if patience > 0:
        return _too_often(page, name, target, patience)
    for limiter, key in keys:
        limiter.failed(key)
    try:
        found = page.forge.authenticator.by_password(name, page.value("password"))
    except UnauthorisedError:
        problem = "Name or password is wrong."
        return respond.show_as(page, 401, "sign_in", target=target, name=name, problem=problem)
    page.desk.person.succeeded((page.client, name.lower()))
    page.desk.address.take_back(page.client)
    if found.user is None:
        raise ForgeError("Nobody has signed in.", status=401)
    secret = sessions.begin(page.forge, found.user)
    answer = respond.go(page, target)
    respond.set_cookie(page, answer, sessions.COOKIE, secret, sessions.SECONDS)
    respond.set_cookie(page, answer, sessions.VISIT, "", None)
    return answer


def _too_often(page: Page, name: str, target: str, patience: float) -> Response:
    minutes = int(patience // 60) + 1
    problem = f"Too many wrong attempts. Try again in {minutes} minute{'s' if minutes > 1 else ''}."
    answer = respond.show_as(page, 429, "sign_in", target=target, name=name, problem=problem)
    answer.headers["retry-after"] = str(int(patience) + 1)
    return answer


@doors.post("/user/logout", ANY)
def sign_out(page: Page) -> Response:
    """End this session."""
    if page.session:
        sessions.end(page.forge, page.session)
    answer = respond.go(page, "/")
    respond.set_cookie(page, answer, sessions.COOKIE, "", None)
    return answer
