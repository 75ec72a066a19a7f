"""Sign-in, sessions, forms' tokens: what lets a person in and keeps everybody else out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import requests
from starlette.responses import Response

from harness.embedded.forge import access
from harness.embedded.forge.attempts import Limiter
from harness.embedded.forge.pages import respond, sessions, table
from harness.embedded.forge.pages.views.sign_in import safe_target
from tests.unit.pages_site import PASSWORD, Site, site


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("sign-in")) as found:
        yield found


def test_a_page_for_people_sends_to_the_sign_in_and_back(forge: Site) -> None:
    visitor = forge.visitor()
    answer = visitor.get("/user/settings")
    assert (answer.status_code, answer.headers["location"]) == (303, "/user/login?redirect_to=%2Fuser%2Fsettings")
    visitor.get(answer.headers["location"])
    form = {"user_name": forge.served.admin, "password": forge.served.password.reveal()}
    back = visitor.post("/user/login", redirect_to="/user/settings", **form)
    assert (back.status_code, back.headers["location"]) == (303, "/user/settings")
    assert visitor.get("/user/settings/account").status_code == 200


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(forge: Site) -> None:
    visitor = forge.visitor()
    answer = visitor.sign_in(forge.served.admin, forge.served.password.reveal())
    cookie = next(one for one in answer.headers["set-cookie"].split(", ") if one.startswith(sessions.COOKIE))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


@pytest.mark.parametrize(("base", "secure"), [("https://10.0.0.1", True), ("http://127.0.0.1:8080", False)])
def test_a_cookie_keeps_to_https_where_there_is_https(base: str, secure: bool) -> None:
    answer = Response()
    respond.set_cookie(cast("Any", SimpleNamespace(base=base)), answer, "name", "value", 60)
    assert ("Secure" in answer.headers["set-cookie"]) is secure


def test_the_database_holds_no_cookie(forge: Site) -> None:
    visitor = forge.admin()
    secret = visitor.session.cookies[sessions.COOKIE]
    kept = forge.served.forge.db.column("SELECT digest FROM session")
    assert kept
    assert secret not in kept


def test_a_wrong_password_says_neither_which_of_the_two_is_wrong(forge: Site) -> None:
    wrong, unknown = forge.visitor().sign_in("root", "wrong"), forge.visitor().sign_in("nobody-here", "wrong")
    assert wrong.status_code == unknown.status_code == 401
    assert "Name or password is wrong." in wrong.text
    assert "Name or password is wrong." in unknown.text


def test_five_wrong_attempts_close_the_door_even_to_the_right_password(tmp_path: Path) -> None:
    with site(tmp_path) as forge:
        forge.person("ann")
        visitor = forge.visitor()
        for _ in range(5):
            assert visitor.sign_in("ann", "wrong").status_code == 401
        answer = visitor.sign_in("Ann", PASSWORD)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 301
        assert forge.admin().get("/user/settings/account").status_code == 200, "others still get in"


def test_attempts_at_once_count_before_they_are_checked() -> None:
    """Otherwise as many as the forge has threads are let through together."""
    limiter = Limiter(2, 60.0, lambda: 0.0)
    limiter.failed("key")
    limiter.failed("key")
    assert limiter.wait("key") > 0
    limiter.take_back("key")
    assert limiter.wait("key") == 0.0
    limiter.take_back("other")


def test_a_right_sign_in_costs_its_address_nothing(tmp_path: Path) -> None:
    with site(tmp_path) as forge:
        for _ in range(35):
            forge.person("ann")


def test_passwords_are_not_guessed_by_header_either(tmp_path: Path) -> None:
    with site(tmp_path) as forge:
        forge.person("ann")
        forge.person("ben")
        path = f"{forge.url}/api/v1/user"

        def ask(name: str, password: str) -> requests.Response:
            return requests.get(path, auth=(name, password), timeout=30)

        assert ask("ann", PASSWORD).status_code == 200
        guesses = {ask("ann", f"wrong-{number}").json()["message"] for number in range(access.MOST_GUESSES)}
        assert guesses == {access.WRONG_CREDENTIALS}
        assert ask("Ann", "one more").json()["message"] == access.TOO_MANY
        assert ask("ann", PASSWORD).status_code == 200, "who was in before stays in"
        assert ask("ben", PASSWORD).status_code == 200, "others are let in"


def test_a_limiter_forgets_after_its_window() -> None:
    now = [0.0]
    limiter = Limiter(2, 60.0, lambda: now[0])
    for _ in range(2):
        limiter.failed("key")
    assert limiter.wait("key") == 60.0
    now[0] = 61.0
    assert limiter.wait("key") == 0.0


def test_a_success_lets_a_person_start_afresh() -> None:
    limiter = Limiter(2, 60.0, lambda: 0.0)
    limiter.failed("key")
    limiter.succeeded("key")
    limiter.failed("key")
    assert limiter.wait("key") == 0.0


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "evil",
        "/a\r\nset-cookie: x",
    ],
)
def test_the_sign_in_never_leads_to_another_site(wanted: str) -> None:
    assert safe_target(wanted) == "/"


def test_a_form_without_its_token_changes_nothing(forge: Site) -> None:
    visitor = forge.admin()
    visitor.get("/user/settings/account")
    answer = visitor.post("/user/logout", token="")
    assert answer.status_code == 403
    assert visitor.get("/user/settings/account").status_code == 200


def test_a_token_of_another_session_is_no_use(forge: Site) -> None:
    mine, other = forge.admin(), forge.admin()
    other.get("/user/settings/account")
    mine.get("/user/settings/account")
    assert mine.post("/user/logout", token=other.token()).status_code == 403


def test_a_form_from_another_site_is_refused_whatever_it_carries(forge: Site) -> None:
    visitor = forge.admin()
    visitor.get("/user/settings/account")
    headers = {"sec-fetch-site": "cross-site"}
    answer = visitor.session.post(
        f"{forge.url}/user/logout", {"_csrf": visitor.token()}, headers=headers, allow_redirects=False, timeout=30
    )
    assert answer.status_code == 403


def test_a_password_in_a_header_sends_no_form(forge: Site) -> None:
    """Only a session has the token, so basic authentication reads and never writes here."""
    auth = (forge.served.admin, forge.served.password.reveal())
    visitor = forge.visitor()
    visitor.session.auth = auth
    assert visitor.get("/user/settings/account").status_code == 200
    answer = visitor.post("/user/settings/applications", token="", name="x", **{"scope-repository": "read:repository"})
    assert answer.status_code == 403


def test_signing_out_ends_the_session_on_the_server(forge: Site) -> None:
    visitor = forge.admin()
    secret = visitor.session.cookies[sessions.COOKIE]
    assert visitor.post("/user/logout", on="/user/settings/account").status_code == 303
    again = forge.visitor()
    again.session.cookies.set(sessions.COOKIE, secret)
    assert again.get("/user/settings/account").status_code == 303


def test_a_session_that_has_run_out_is_none(forge: Site) -> None:
    visitor = forge.admin()
    secret = visitor.session.cookies[sessions.COOKIE]
    forge.served.forge.db.run("UPDATE session SET expires = 1")
    assert sessions.find(forge.served.forge, secret) is None
    assert visitor.get("/user/settings/account").status_code == 303


def test_a_new_password_ends_other_sessions_and_keeps_this_one(forge: Site) -> None:
    here, elsewhere = forge.person("cleo"), forge.person("cleo")
    form = {"old_password": PASSWORD, "password": "another long one", "retype": "another long one"}
    assert here.post("/user/settings/account", on="/user/settings/account", **form).status_code == 303
    assert here.get("/user/settings/account").status_code == 200
    assert elsewhere.get("/user/settings/account").status_code == 303
    assert forge.visitor().sign_in("cleo", PASSWORD).status_code == 401


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"old_password": "wrong", "password": "long enough", "retype": "long enough"}, "current password is wrong"),
        ({"old_password": PASSWORD, "password": "short", "retype": "short"}, "at least 8 characters"),
        ({"old_password": PASSWORD, "password": "long enough", "retype": "other"}, "repetition differ"),
    ],
)
def test_a_password_is_changed_only_when_everything_is_right(forge: Site, form: dict[str, str], words: str) -> None:
    visitor = forge.person("dora")
    visitor.post("/user/settings/account", on="/user/settings/account", **form)
    assert words in visitor.get("/user/settings/account").text
    assert forge.visitor().sign_in("dora", PASSWORD).status_code == 303


def test_a_token_is_shown_once_and_works_until_it_is_removed(forge: Site) -> None:
    visitor = forge.person("emil")
    form = {"name": "ci", "scope-repository": "read:repository"}
    made = visitor.post("/user/settings/applications", on="/user/settings/applications", **form)
    secret = made.text.split('id="secret"')[1].split('value="')[1].split('"')[0]
    assert len(secret) == 40
    assert made.headers["cache-control"] == "no-store"
    page = visitor.get("/user/settings/applications").text
    assert secret not in page
    assert secret[-8:] in page
    key = page.split('name="id" value="')[1].split('"')[0]
    assert visitor.post("/user/settings/applications/delete", id=key).status_code == 303
    assert "You have no token." in visitor.get("/user/settings/applications").text


def _every_form() -> list[str]:
    """The addresses of everything that a form may be sent to."""
    doors = [door for area in table.AREAS for door in area.doors]
    return [door.pattern for door in doors if door.method != "GET" and not door.needs.api]


@pytest.mark.parametrize("pattern", _every_form())
def test_no_form_is_taken_without_its_token(forge: Site, pattern: str) -> None:
    path = re.sub(r"\{[^}]*\}", "1", pattern.replace("{owner}", "main").replace("{repo}", "forms"))
    if not forge.served.forge.db.value("SELECT 1 FROM repository WHERE name = 'forms'"):
        forge.repository("main/forms", {"a": "b\n"})
    for token in ("", "0" * 64, "\u00e4"):
        answer = forge.admin().post(path, on="/", token=token, name="a", user_name="root", password="x")
        assert answer.status_code == 403
        assert "This form has run out" in answer.text


def test_there_are_forms_to_try() -> None:
    assert len(_every_form()) > 20
