"""Pull requests that merge by themselves when their checks have succeeded."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.kit.clock import Deadline, wait_until
from tests.contract.forge.client import Client, commit, git, working_copy
from tests.contract.forge.target import Target

_PULL = "/repos/main/app/pulls/1"
_RULE = {"rule_name": "main", "enable_status_check": True, "status_check_contexts": ["ci"], "enable_push": True}


@pytest.fixture
def client(target: Target, tmp_path: Path) -> Client:
    """A pull request whose merge waits for the check ``ci``."""
    client = Client.admin(target)
    client.repository("main/app")
    work = working_copy(tmp_path / "work", {"a": "1\n"})
    git(work, "push", "-q", client.url("main/app"), "main")
    git(work, "checkout", "-q", "-b", "topic")
    commit(work, {"b": "1\n"}, "second")
    git(work, "push", "-q", client.url("main/app"), "topic")
    client.api("POST", "/repos/main/app/branch_protections", _RULE)
    client.api("POST", "/repos/main/app/pulls", {"head": "topic", "base": "main", "title": "t"})
    wait_until(lambda: client.api("GET", _PULL)["mergeable"], Deadline(30), "it is mergeable")
    wish = {"Do": "squash", "merge_when_checks_succeed": True, "delete_branch_after_merge": True}
    assert client.ask("POST", f"/api/v1{_PULL}/merge", wish)[0] == 201
    return client


def _check(client: Client, state: str) -> None:
    head = client.api("GET", _PULL)["head"]["sha"]
    client.api("POST", f"/repos/main/app/statuses/{head}", {"state": state, "context": "ci"})


def test_it_merges_when_its_check_succeeds(client: Client) -> None:
    _check(client, "failure")
    assert not client.api("GET", _PULL)["merged"]

    _check(client, "success")

    wait_until(lambda: client.api("GET", _PULL)["merged"], Deadline(30), "it merges")
    gone = "/api/v1/repos/main/app/branches/topic"
    wait_until(lambda: client.ask("GET", gone)[0] == 404, Deadline(30), "its branch is removed")
    assert client.ask("DELETE", f"/api/v1{_PULL}/merge")[0] == 404


def test_it_does_not_merge_once_the_wish_is_taken_back(client: Client) -> None:
    client.api("DELETE", f"{_PULL}/merge")

    _check(client, "success")
    client.api("POST", f"{_PULL}/merge", {"Do": "merge", "head_commit_id": client.api("GET", _PULL)["head"]["sha"]})

    parents = client.api("GET", "/repos/main/app/commits?limit=1")[0]["parents"]
    assert len(parents) == 2  # merged as asked the second time, not squashed as asked first
