"""Variables and secrets as pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.pages_site import Site, site

OWNERS = ("/main/config/settings/actions", "/org/main/settings/actions", "/user/settings/actions")


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("variables")) as found:
        found.repository("main/config", {"a": "b\n"})
        yield found


@pytest.mark.parametrize("home", OWNERS)
def test_a_variable_is_set_changed_and_removed(forge: Site, home: str) -> None:
    admin, page = forge.admin(), f"{home}/variables"
    admin.post(page, on=page, name="domain", value="a <b>\nsecond", description="where")
    text = admin.get(page).text
    assert "DOMAIN" in text
    assert "a &lt;b&gt;" in text
    admin.post(page, name="DOMAIN", value="other", description="")
    assert "other" in admin.get(page).text
    admin.post(f"{page}/delete", name="DOMAIN")
    assert "No variable yet." in admin.get(page).text


@pytest.mark.parametrize("home", OWNERS)
def test_a_secret_is_set_and_never_shown(forge: Site, home: str) -> None:
    admin, page = forge.admin(), f"{home}/secrets"
    answer = admin.post(page, on=page, name="token", value="very-hidden-value")
    assert "very-hidden-value" not in answer.headers["location"] + answer.text
    text = admin.get(page).text
    assert "TOKEN" in text
    assert "very-hidden-value" not in text
    admin.post(f"{page}/delete", name="TOKEN")
    assert "No secret yet." in admin.get(page).text


@pytest.mark.parametrize("name", ["1st", "with space", "GITHUB_X", "GITEA_X", "CI", ""])
def test_a_name_that_cannot_be_one_is_refused_with_words(forge: Site, name: str) -> None:
    admin, page = forge.admin(), "/org/main/settings/actions/variables"
    admin.post(page, on=page, name=name, value="x")
    text = admin.get(page).text
    assert 'role="alert"' in text
    assert "No variable yet." in text


@pytest.mark.parametrize("part", ["variables", "secrets"])
def test_they_are_for_those_who_administer(forge: Site, part: str) -> None:
    stranger, ann = forge.visitor(), forge.person("ann")
    for home in OWNERS:
        assert stranger.get(f"{home}/{part}").status_code == 303
    for home in OWNERS[:2]:
        assert ann.get(f"{home}/{part}").status_code == 404
    ann.get("/user/settings/account")
    ann.post(f"/org/main/settings/actions/{part}", name="MINE", value="x")
    assert "MINE" not in forge.admin().get(f"/org/main/settings/actions/{part}").text
