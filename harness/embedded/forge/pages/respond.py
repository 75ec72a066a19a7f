"""Answers: a page, a way on, a refusal. Every one carries the headers that keep a stranger's text harmless."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from starlette.responses import Response

from harness.embedded.forge.pages import sessions, templating
from harness.embedded.forge.pages.page import Page

HTML = "text/html; charset=utf-8"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "private, no-cache",
}
_SANDBOX = "default-src 'none'; sandbox"


def show(page: Page, template: str, /, **values: Any) -> Response:
    """A page."""
    return show_as(page, 200, template, **values)


def show_as(page: Page, status: int, template: str, /, **values: Any) -> Response:
    """A page with another status than 200; to the script that has it already only the word that it is the same."""
    body = templating.html(page, template, **values).encode()
    headers = {**_HEADERS, "content-type": HTML}
    if page.live:
        mark = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
        headers["etag"] = mark
        if page.headers.get("if-none-match") == mark:
            return Response(b"", 304, headers)
    return _finished(page, Response(body, status, headers))


def go(page: Page, address: str) -> Response:
    """On to another page of this forge."""
    location = quote(address, safe="/:?#[]@!$&'()*+,;=%-._~")  # a header holds ASCII only
    body = Markup('<a href="{}">See Other</a>.\n').format(location)  # RFC 9110, 15.4.4: a short note with a link
    found = Response(str(body), 303, {**_HEADERS, "location": location, "content-type": HTML})
    return _finished(page, found)


def done(page: Page, text: str, address: str = "") -> Response:
    """A form did what it was asked to: say so on the page that follows."""
    page.say(text)
    return go(page, address or page.back)


def sign_in_first(page: Page) -> Response:
    """To the sign-in, and back here afterwards; from a form back to its page."""
    here = page.path if page.method == "GET" else page.back
    return go(page, f"/user/login?redirect_to={quote(here, safe='')}")


def missing(page: Page) -> Response:
    """What is not there, and what may not be seen, look alike."""
    if "text/html" not in page.headers.get("accept", ""):
        return Response("Not found.\n", 404, {**_HEADERS, "content-type": "text/plain;charset=utf-8"})
    return refused(page, 404, "Not found", "There is nothing at this address, or it is not for you to see.")


def refused(page: Page, status: int, title: str, words: str) -> Response:
    """A page that says why not."""
    return show_as(page, status, "refused", status=status, title=title, words=words)


def harmless(response: Response) -> Response:
    """A file out of a repository: never run, never guessed at."""
    response.headers["content-security-policy"] = _SANDBOX
    response.headers["x-content-type-options"] = "nosniff"
    response.headers["cache-control"] = "private, no-cache"
    return response


def _finished(page: Page, response: Response) -> Response:
    if page.wants_visit and page.visit:
        set_cookie(page, response, sessions.VISIT, page.visit, None)
    return response


def set_cookie(page: Page, response: Response, name: str, value: str, seconds: int | None) -> None:
    """A cookie that scripts and other sites do not see; an empty value takes it away."""
    secure = page.base.startswith("https:")
    age = seconds if value else 0
    response.set_cookie(name, value, max_age=age, path="/", httponly=True, samesite="lax", secure=secure)
