"""A person's own settings: password and access tokens."""

from __future__ import annotations

from starlette.responses import Response

from harness.embedded.forge.errors import ForgeError
from harness.embedded.forge.pages import respond, sessions
from harness.embedded.forge.pages.doors import USER, Doors
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.services import users
from harness.embedded.forge.store import accounts

doors = Doors()
_SHORTEST = 8
CATEGORIES = ("repository", "user", "organization", "issue", "notification", "misc", "package", "admin")


@doors.get("/user/settings", USER)
def start(page: Page) -> Response:
    """The first of the settings."""
    return respond.go(page, "/user/settings/account")


@doors.get("/user/settings/account", USER)
def account(page: Page) -> Response:
    """The password."""
    return respond.show(page, "account", part="account", shortest=_SHORTEST)


@doors.post("/user/settings/account", USER)
def change_password(page: Page) -> Response:
    """Another password: ends every other session of the account."""
    old, new, key = page.value("old_password"), page.value("password"), (page.client, page.user.lower_name)
    if page.desk.person.wait(key) > 0:
        raise ForgeError("Too many wrong attempts. Try again in a few minutes.", status=422)
    if not page.forge.checker.check(page.user, old):
        page.desk.person.failed(key)
        raise ForgeError("The current password is wrong.", status=422)
    if len(new) < _SHORTEST:
        raise ForgeError(f"A password has at least {_SHORTEST} characters.", status=422)
    if new != page.value("retype"):
        raise ForgeError("The new password and its repetition differ.", status=422)
    changed = users.edit(page.forge, page.user, {"password": new})
    secret = sessions.begin(page.forge, changed)
    page.session = sessions.find(page.forge, secret)
    answer = respond.done(page, "The password is changed. Other sessions have ended.", "/user/settings/account")
    respond.set_cookie(page, answer, sessions.COOKIE, secret, sessions.SECONDS)
    return answer


@doors.get("/user/settings/applications", USER)
def tokens(page: Page) -> Response:
    """Access tokens: made here, shown once."""
    return _tokens(page, "")


def _tokens(page: Page, secret: str) -> Response:
    known = accounts.tokens(page.forge.db, page.user.id)
    values = {"tokens": known, "categories": CATEGORIES, "secret": secret}
    return respond.show(page, "tokens", part="applications", **values)


@doors.post("/user/settings/applications", USER)
def create_token(page: Page) -> Response:
    """A new token; the answer is the only page that ever shows it."""
    wanted = [scope for name in CATEGORIES if (scope := page.value(f"scope-{name}"))]
    if not wanted:
        raise ForgeError("Choose at least one thing that the token may do.", status=422)
    _, secret = users.create_token(page.forge, page.user, page.required("name", "A name"), wanted)
    answer = _tokens(page, secret)
    answer.headers["cache-control"] = "no-store"
    return answer


@doors.post("/user/settings/applications/delete", USER)
def delete_token(page: Page) -> Response:
    """Remove a token."""
    users.delete_token(page.forge, page.user, page.required("id", "The token"))
    return respond.done(page, "The token is gone: whoever used it is refused from now on.")
