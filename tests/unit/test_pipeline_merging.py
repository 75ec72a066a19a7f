"""What the task *deploy* merges by itself, and what it leaves to people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness.forge import pulls, statuses
from harness.forge.client import Address, Forge, Login
from harness.forge.model import Pull
from harness.forge.statuses import State
from harness.kit.secret import Secret
from harness.pipeline import merging, requests, tell
from tests.unit.pages_site import PASSWORD, Site, site

SLUG = "main/broker"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path) as found:
        found.repository(SLUG, {"a": "old\n"})
        found.api.call("POST", f"/repos/{SLUG}/branches", {"new_branch_name": "release", "old_ref_name": "main"})
        found.api.commit(SLUG, {"a": "new\n"}, "Change it")
        release = {"title": "Release Pull Request", "head": "main", "base": "release"}
        found.api.call("POST", f"/repos/{SLUG}/pulls", release)
        yield found


@pytest.fixture
def forge(here: Site) -> Iterator[Forge]:
    login = Login(here.served.admin, here.served.password)
    with closing(Forge(Address(here.url), login)) as found:
        yield found


def planned(forge: Forge, state: State) -> Pull:
    (pull,) = requests.waiting(forge, SLUG)
    statuses.report(forge, SLUG, pull.head_sha, tell.PLAN, state)
    return pull


def test_what_has_a_plan_is_merged(forge: Forge) -> None:
    pull = planned(forge, "success")
    assert merging.accept(forge, SLUG, pull) == ""
    assert pulls.get(forge, SLUG, pull.number).merged


@pytest.mark.parametrize("state", ["failure", "error"])
def test_what_has_no_good_plan_is_left_open(forge: Forge, state: State) -> None:
    pull = planned(forge, state)
    assert merging.accept(forge, SLUG, pull) == f"left open: its plan is {state}"
    assert not pulls.get(forge, SLUG, pull.number).merged


def test_what_has_moved_since_it_was_planned_is_left_open(here: Site, forge: Forge) -> None:
    pull = planned(forge, "success")
    here.api.commit(SLUG, {"a": "newer\n"}, "Change it again")
    assert merging.accept(forge, SLUG, pull).startswith("left open: ")
    assert not pulls.get(forge, SLUG, pull.number).merged


def test_what_a_stranger_proposes_from_a_fork_is_left_to_people(here: Site, forge: Forge) -> None:
    before = requests.waiting(forge, SLUG)
    here.person("eve")
    with closing(Forge(Address(here.url), Login("eve", Secret(PASSWORD)))) as eve:
        eve.post(f"repos/{SLUG}/forks", {})
        here.api.commit("eve/broker", {"a": "mine\n"}, "Mine")
        eve.post(f"repos/{SLUG}/pulls", {"title": "Mine", "head": "eve:main", "base": "release"})
    assert len(pulls.listed(forge, SLUG)) == 2
    assert requests.waiting(forge, SLUG) == before
