"""Reports of runs: who hands them over, who reads them, and what they cannot do in a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from harness.embedded.forge import clock
from harness.embedded.forge.services import reports
from tests.unit.pages_site import Site, site

EVIL = "<!doctype html><title>x</title><script>alert(1)</script><p>Everything failed</p>"


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("reports")) as found:
        found.infrastructure()
        found.repository("main/hidden", {"a": "b\n"}, private=True)
        yield found


def _put(forge: Site, token: str, name: str, body: Any) -> requests.Response:
    headers = {"authorization": f"token {token}"} if token else {}
    return requests.put(f"{forge.url}/api/gitops/reports/{name}", json=body, headers=headers, timeout=60)


def _run(forge: Site, repository: str) -> int:
    database = forge.served.forge.db
    owner, _, name = repository.partition("/")
    sql = "SELECT r.id FROM repository r JOIN account a ON a.id = r.owner_id WHERE a.name = ? AND r.name = ?"
    now = clock.now()
    return database.insert(
        "run", repo_id=database.value(sql, owner, name), number=1, file="release.yml", title="Release", event="push",
        ref="refs/heads/release", sha="1" * 40, code_sha="1" * 40, actor_id=1, payload="{}", name="Release",
        base_url="", created=now, updated=now, started=now, ended=now, status="completed", conclusion="failure",
    )  # fmt: skip


def _kept(forge: Site, repository: str) -> list[str]:
    owner, _, name = repository.partition("/")
    sql = "SELECT r.id FROM repository r JOIN account a ON a.id = r.owner_id WHERE a.name = ? AND r.name = ?"
    folder = forge.served.forge.settings.state / "reports" / str(forge.served.forge.db.value(sql, owner, name))
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_report_is_handed_over_and_led_to_from_its_run(forge: Site) -> None:
    run = _run(forge, "main/broker")
    answer = _put(
        forge,
        forge.token("gitops", "write:repository"),
        "run-1",
        {"html": EVIL, "repository": "main/broker", "run": run},
    )
    assert answer.status_code == 200
    assert answer.json() == {"url": f"{forge.url}/main/broker/actions/reports/run-1"}
    reader = forge.visitor()
    assert 'href="/main/broker/actions/reports/run-1"' in reader.get(f"/main/broker/actions/runs/{run}").text
    page = reader.get("/main/broker/actions/reports/run-1").text
    assert '<iframe class="card report" src="/main/broker/actions/reports/run-1/document" sandbox ' in page
    assert f'href="/main/broker/actions/runs/{run}"' in page
    assert reader.get("/main/broker/actions/reports/run-1/document").text == EVIL


def test_a_report_can_do_nothing_in_a_browser(forge: Site) -> None:
    _put(forge, forge.token("gitops", "write:repository"), "policy", {"html": EVIL})
    answer = forge.admin().get("/main/config/actions/reports/policy/document")
    policy = {part.split()[0]: part.split()[1:] for part in answer.headers["content-security-policy"].split("; ")}
    assert policy["sandbox"] == []
    assert policy["default-src"] == policy["form-action"] == policy["base-uri"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'self'"]
    assert "script-src" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    around = forge.admin().get("/main/config/actions/reports/policy").headers["content-security-policy"]
    assert "script-src 'self'" in around
    assert "frame-src 'self'" in around


def test_other_pages_frame_nothing(forge: Site) -> None:
    assert "frame-src" not in forge.visitor().get("/main/config").headers["content-security-policy"]


@pytest.mark.parametrize(
    ("name", "scope", "repository", "status"),
    [
        ("gitops", "write:repository", "main/proxy", 200),
        ("gitops", "read:repository", "main/proxy", 403),
        ("gitops", "write:issue", "main/proxy", 403),
        ("limited", "write:repository", "main/broker", 200),
        ("limited", "write:repository", "main/proxy", 403),
        ("limited", "write:repository", "", 403),
        ("limited", "write:repository", "main/none", 403),
        ("limited", "write:repository", "../../etc", 403),
        ("", "", "main/broker", 401),
    ],
)
def test_a_report_is_handed_over_by_who_may_write_its_repository_or_the_control_plane(
    forge: Site, name: str, scope: str, repository: str, status: int
) -> None:
    token = forge.token(name, scope) if name else ""
    assert _put(forge, token, "who", {"html": "<p>x", "repository": repository}).status_code == status


def test_a_session_hands_over_nothing(forge: Site) -> None:
    answer = forge.admin().session.put(f"{forge.url}/api/gitops/reports/x", json={"html": "<p>x"}, timeout=30)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "name", ["..", ".hidden", "a b", "a@1", "*", "a%2Fb", "%2e%2e%2fx", "x" * 101, "[a]", "a\u00e4"]
)
def test_a_name_reaches_nothing_but_its_report(forge: Site, name: str) -> None:
    before = _kept(forge, "main/config")
    assert _put(forge, forge.token("gitops", "write:repository"), name, {"html": "<p>x"}).status_code in {
        401,
        404,
        405,
        422,
    }
    assert _kept(forge, "main/config") == before
    assert forge.visitor().get(f"/main/config/actions/reports/{name}/document").status_code == 404


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "an object"),
        ({}, "html"),
        ({"html": " "}, "html"),
        ({"html": 1}, "html"),
        ({"html": "<p>", "run": "1"}, "run"),
        ({"html": "<p>", "run": -1}, "run"),
        ({"html": "<p>", "run": True}, "run"),
        ({"html": "<p>", "run": 2**63}, "run"),
        ({"html": "<p>", "run": 10**6}, "has no run"),
    ],
)
def test_what_is_no_report_is_refused_naming_the_field(forge: Site, body: Any, words: str) -> None:
    answer = _put(forge, forge.token("gitops", "write:repository"), "wrong", body)
    assert answer.status_code == 422
    assert words in answer.json()["message"]


def test_a_run_of_another_repository_gets_no_report(forge: Site) -> None:
    body = {"html": "<p>", "repository": "main/broker", "run": _run(forge, "main/proxy")}
    assert _put(forge, forge.token("limited", "write:repository"), "foreign", body).status_code == 422


def test_a_report_that_is_too_large_is_refused(forge: Site) -> None:
    token = forge.token("gitops", "write:repository")
    assert _put(forge, token, "large", {"html": "x" * (reports.MOST_BYTES + 1)}).status_code == 413
    assert _put(forge, token, "huge", {"html": "x" * (2 * reports.MOST_BYTES + 2**20)}).status_code == 413
    assert _put(forge, token, "most", {"html": "\n" * reports.MOST_BYTES + "x"}).status_code == 413
    assert _put(forge, token, "fits", {"html": '"' * reports.MOST_BYTES}).status_code == 200


def test_a_private_repository_keeps_its_reports_to_its_readers(forge: Site) -> None:
    admin_token = forge.api.call("POST", "/users/root/tokens", {"name": "t", "scopes": ["write:repository"]})["sha1"]
    assert _put(forge, admin_token, "secret", {"html": "<p>x", "repository": "main/hidden"}).status_code == 200
    for path in ("/main/hidden/actions/reports/secret", "/main/hidden/actions/reports/secret/document"):
        assert forge.visitor().get(path).status_code == 404
        assert forge.person("limited").get(path).status_code == 404
        assert forge.admin().get(path).status_code == 200


def test_handing_over_again_replaces_it_wherever_it_came_from(forge: Site) -> None:
    token, run = forge.token("limited", "write:repository"), _run(forge, "main/broker")
    for document in ({"html": "<p>one"}, {"html": "<p>two", "run": run}):
        assert _put(forge, token, "again", {**document, "repository": "main/broker"}).status_code == 200
    assert forge.visitor().get("/main/broker/actions/reports/again/document").text == "<p>two"
    assert [name for name in _kept(forge, "main/broker") if name.startswith("again@")] == [f"again@{run}.html"]


def test_a_renamed_repository_keeps_its_reports_and_a_deleted_one_leaves_none(forge: Site) -> None:
    token = forge.token("gitops", "write:repository")
    forge.repository("main/passing", {"a": "b\n"})
    assert _put(forge, token, "kept", {"html": "<p>kept", "repository": "main/passing"}).status_code == 200
    forge.api.call("PATCH", "/repos/main/passing", {"name": "passed"})
    assert forge.visitor().get("/main/passed/actions/reports/kept/document").text == "<p>kept"
    number = forge.served.forge.db.value("SELECT id FROM repository WHERE name = 'passed'")
    forge.api.call("DELETE", "/repos/main/passed")
    _put(forge, token, "later", {"html": "<p>later"})
    assert not (forge.served.forge.settings.state / "reports" / str(number)).exists()


@pytest.mark.parametrize(
    ("limits", "left"),
    [((10, 10**6), [0, 1, 2, 3, 4]), ((3, 10**6), [2, 3, 4]), ((10, 25), [3, 4]), ((10, 5), [4]), ((0, 0), [4])],
)
def test_the_oldest_are_forgotten_and_the_newest_stays(
    tmp_path: Path, limits: tuple[int, int], left: list[int]
) -> None:
    for number in range(5):
        path = tmp_path / f"n{number}@0.html"
        path.write_text("0123456789")
        os.utime(path, (1000 + number, 1000 + number))
    reports.forget_old(tmp_path, *limits)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"n{number}@0.html" for number in left]
