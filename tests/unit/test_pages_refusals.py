"""Pages that say no: why, and where to go from there."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest
import requests

from harness.embedded.forge.services import containers
from tests.unit.pages_site import Site, site


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("refusals")) as found:
        found.repository("main/config", {"a": "b\n"})
        yield found


def test_what_is_not_there_offers_a_search_and_to_strangers_the_sign_in(forge: Site) -> None:
    stranger, known = forge.visitor().get("/main/none/x"), forge.admin().get("/main/none/x")
    assert stranger.status_code == known.status_code == 404
    assert 'action="/explore/repos"' in known.text
    assert "/user/login?redirect_to=%2Fmain%2Fnone%2Fx" in stranger.text
    assert "/user/login" not in known.text


def test_what_is_not_there_is_not_found_whatever_is_sent_to_it(forge: Site) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert requests.request(method, f"{forge.url}/no/such/place", timeout=30).status_code == 404


def test_a_form_that_is_refused_leads_back(forge: Site) -> None:
    admin = forge.admin()
    answer = admin.post("/main/config/branches/delete", on="/main/config/branches", token="0" * 64, name="x")
    assert answer.status_code == 403
    assert 'href="/main/config/branches">Go back</a>' in answer.text


def test_a_fault_of_the_forge_tells_what_to_look_for_in_its_log_and_nothing_else(
    forge: Site, caplog: pytest.LogCaptureFixture
) -> None:
    forge.repository("main/something-private", {"a": "b\n"})
    number = forge.served.forge.db.value("SELECT id FROM repository WHERE name = 'something-private'")
    forge.served.forge.git(number).delete()
    with caplog.at_level(logging.ERROR):
        answer = forge.admin().get("/main/something-private/src/branch/main")
    assert answer.status_code == 500
    found = re.search(r"look there for ([0-9a-f]{8})\.", answer.text)
    assert found
    assert found.group(1) in caplog.text
    assert "Traceback" not in answer.text
    assert str(forge.served.forge.settings.state) not in answer.text
    assert 'href="/main/something-private/src/branch/main">Try again</a>' in answer.text


def test_a_list_of_containers_that_cannot_be_read_breaks_no_page(forge: Site) -> None:
    (forge.served.forge.settings.state / containers.FILE).write_text('{"containers": 1}')
    admin = forge.admin()
    assert [admin.get(path).status_code for path in ("/", "/containers")] == [200, 200]
