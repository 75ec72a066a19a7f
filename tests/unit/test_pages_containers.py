"""Containers: what the harness publishes, who may, and what the page makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.browser.world import CONTAINERS
from tests.unit.pages_site import Site, site

_PATH = "/api/gitops/containers"


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("containers")) as found:
        found.infrastructure()
        yield found


def _send(forge: Site, token: str, body: Any, path: str = "", method: str = "PUT") -> requests.Response:
    headers = {"authorization": f"token {token}"} if token else {}
    return requests.request(method, f"{forge.url}{_PATH}{path}", json=body, headers=headers, timeout=30)


def test_the_service_account_publishes_and_the_page_shows(forge: Site) -> None:
    token = forge.token("gitops", "write:repository")
    answer = _send(forge, token, {"target": "10.143.0.1:8006", "containers": CONTAINERS})
    assert answer.status_code == 200
    assert answer.json()["published"].endswith("Z")
    page = forge.admin().get("/containers").text
    for expected in (
        "10.143.0.12",
        "running · 112",
        "12 passed",
        "1 of 7 failed",
        "1 change · restart",
        "On 10.143.0.1",
    ):
        assert expected in page
    assert 'href="/main/config/pulls/1"' in page


def test_what_is_read_can_be_published_again(forge: Site) -> None:
    token = forge.token("gitops", "write:repository")
    found = _send(forge, token, None, method="GET").json()
    assert _send(forge, token, found).json()["containers"] == found["containers"]


def test_the_page_is_for_people_who_signed_in(forge: Site) -> None:
    assert forge.visitor().get("/containers").headers["location"] == "/user/login?redirect_to=%2Fcontainers"
    assert requests.get(forge.url + _PATH, timeout=30).status_code == 401


def test_filters_leave_what_needs_a_look(forge: Site) -> None:
    admin = forge.admin()
    changes = admin.get("/containers?show=changes").text
    assert "running · 112" in changes
    assert "running · 110" not in changes
    assert "running · 111" not in admin.get("/containers?show=failing").text


@pytest.mark.parametrize(
    ("name", "scopes", "status"),
    [("gitops", ("read:repository",), 403), ("limited", ("write:repository",), 403), ("", (), 401)],
)
def test_everything_is_published_by_who_may_write_the_control_plane_only(
    forge: Site, name: str, scopes: tuple[str, ...], status: int
) -> None:
    answer = _send(forge, forge.token(name, *scopes) if name else "", {"containers": []})
    assert answer.status_code == status
    assert answer.json()["message"]


def test_a_container_is_published_by_who_may_write_its_repository(forge: Site) -> None:
    token = forge.token("limited", "write:repository")
    one = {"repository": "main/broker", "status": "stopped", "id": 111}
    assert _send(forge, token, one, "/broker").status_code == 204
    known = {found["name"]: found for found in _send(forge, token, None, method="GET").json()["containers"]}
    assert known["broker"]["status"] == "stopped"
    assert known["proxy"]["status"] == "running", "the others stay as they were"


@pytest.mark.parametrize("given", ["main/proxy", "main/broker", "", "main/none", "../x"])
def test_a_container_of_another_repository_is_out_of_reach(forge: Site, given: str) -> None:
    token = forge.token("limited", "write:repository")
    assert _send(forge, token, {"repository": given, "status": "stopped"}, "/proxy").status_code == 403
    assert _send(forge, token, None, "/proxy", method="DELETE").status_code == 403


def test_a_session_publishes_nothing(forge: Site) -> None:
    """Only a token does: a page of another site cannot make a browser publish."""
    answer = forge.admin().session.put(forge.url + _PATH, json={"containers": []}, timeout=30)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "the body"),
        ({"containers": {}}, "containers"),
        ({"containers": [{}]}, "containers[0].name"),
        ({"containers": [{"name": "a"}, {"name": "a"}]}, "twice"),
        ({"containers": [{"name": "a", "status": "fine"}]}, "containers[0].status"),
        ({"containers": [{"name": "a", "id": "1"}]}, "containers[0].id"),
        ({"containers": [{"name": "a", "changes_link": "https://evil.example"}]}, "changes_link"),
        ({"containers": [{"name": "a", "specs": {"link": "//evil.example"}}]}, "specs.link"),
        ({"containers": [{"name": "a", "changes": [{"entails": "boom"}]}]}, "changes[0].entails"),
        ({"version": 2}, "version"),
    ],
)
def test_a_wrong_document_is_refused_naming_the_field(forge: Site, body: Any, words: str) -> None:
    before = _send(forge, forge.token("gitops", "write:repository"), None, method="GET").json()
    answer = _send(forge, forge.token("gitops", "write:repository"), body)
    assert answer.status_code == 422
    assert words in answer.json()["message"]
    assert _send(forge, forge.token("gitops", "write:repository"), None, method="GET").json() == before


def test_a_removed_container_is_gone_from_the_page(forge: Site) -> None:
    token = forge.token("gitops", "write:repository")
    assert _send(forge, token, {"status": "running", "id": 199}, "/passing").status_code == 204
    assert "running · 199" in forge.admin().get("/containers").text
    assert _send(forge, token, None, "/passing", method="DELETE").status_code == 204
    assert "running · 199" not in forge.admin().get("/containers").text
    assert _send(forge, token, None, "/passing", method="DELETE").status_code == 404


def test_text_of_a_container_is_escaped(forge: Site) -> None:
    token = forge.token("gitops", "write:repository")
    specs = {"outcome": "failed", "failed": 1, "failures": ["<script>alert(1)</script>"]}
    _send(forge, token, {"hostname": "<b>x</b>", "specs": specs}, "/odd")
    page = forge.admin().get("/containers").text
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "<script>alert" not in page
    _send(forge, token, None, "/odd", method="DELETE")


def test_a_unit_that_is_not_active_is_said(forge: Site) -> None:
    token = forge.token("gitops", "write:repository")
    _send(forge, token, {"status": "running", "unit": "failed"}, "/sick")
    assert "unit failed" in forge.admin().get("/containers").text
    _send(forge, token, None, "/sick", method="DELETE")


def test_the_start_page_sums_them_up(forge: Site) -> None:
    page = forge.admin().get("/").text
    assert "containers running" in page
    assert "failed specs" in page
