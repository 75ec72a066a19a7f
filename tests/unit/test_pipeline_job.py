"""What started a job, and which containers its repository is about."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.config import forge_accounts
from harness.config.forge_accounts import RECIPES, SERVICE, ForgeAccount
from harness.kit.errors import UsageError
from harness.kit.secret import Secret
from harness.pipeline import door, greeting, scope
from harness.pipeline.job import Job, Proposal
from harness.pipeline.scope import Scope

EVENT = {"pull_request": {"number": 7, "base": {"ref": "release"}, "head": {"sha": "1a2b"}}, "inputs": None}


def environ(tmp_path: Path, event: object = None) -> dict[str, str]:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event if event is not None else EVENT))
    return {
        "GITHUB_SERVER_URL": "http://localhost:8080/",
        "GITHUB_REPOSITORY": "main/broker",
        "GITHUB_EVENT_NAME": "pull_request_target",
        "GITHUB_EVENT_PATH": str(path),
        "GITHUB_REF_NAME": "release",
        "GITHUB_SHA": "ffff",
        "GITHUB_RUN_ID": "3",
        "GITHUB_TOKEN": "job-token-1",
    }


def test_a_job_is_read_from_what_actions_promise(tmp_path: Path) -> None:
    job = Job.read(environ(tmp_path))
    assert job is not None
    assert (job.organisation, job.name, job.branch, job.sha) == ("main", "broker", "release", "ffff")
    assert job.proposal == Proposal(7, "release", "1a2b")
    assert job.page == "http://localhost:8080/main/broker/actions/runs/3"
    assert "job-token-1" not in repr(job)


def test_inputs_of_a_start_by_hand_are_read(tmp_path: Path) -> None:
    job = Job.read(environ(tmp_path, {"inputs": {"confirm": "abc"}}))
    assert job is not None
    assert (dict(job.inputs), job.proposal) == ({"confirm": "abc"}, None)


def test_without_a_runner_there_is_no_job() -> None:
    assert Job.read({"PATH": "/bin"}) is None


def test_an_event_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    broken = environ(tmp_path)
    Path(broken["GITHUB_EVENT_PATH"]).write_text("{")
    with pytest.raises(UsageError, match="cannot be read"):
        Job.read(broken)


@pytest.mark.parametrize(
    ("slug", "expected"),
    [
        ("main/config", Scope((), "")),
        ("main/broker", Scope(("broker",), "libs/broker")),
        ("stage/broker", Scope(("broker",), "libs/broker", "stage")),
    ],
)
def test_a_repository_says_which_containers_it_is_about(slug: str, expected: Scope) -> None:
    assert scope.of(slug) == expected


@pytest.mark.parametrize("slug", ["ann/broker", "tasks/health", "main/", "main/../x", "broker", "stage/-x"])
def test_other_repositories_are_about_none(slug: str) -> None:
    with pytest.raises(UsageError, match="no part of the monorepo"):
        scope.of(slug)


def test_a_push_to_main_of_the_monorepo_configures_its_own_container_only() -> None:
    assert scope.configured_by(scope.of("main/config")) == ("config",)
    assert scope.configured_by(scope.of("main/broker")) == ("broker",)


def test_accounts_are_private_and_read_again(tmp_path: Path) -> None:
    account = ForgeAccount("http://127.0.0.1:8080", "gitops", Secret("a-token-of-gitops"), "PEM")
    forge_accounts.write(tmp_path / "share", {SERVICE: account})
    path = tmp_path / "share" / forge_accounts.FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert forge_accounts.read(tmp_path / "share", SERVICE) == account
    assert forge_accounts.read(tmp_path / "share", RECIPES) is None
    assert forge_accounts.read(tmp_path / "nowhere", SERVICE) is None
    assert "a-token-of-gitops" not in repr(account)


def test_accounts_that_are_damaged_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / forge_accounts.FILE).write_text("[]")
    with pytest.raises(UsageError) as caught:
        forge_accounts.read(tmp_path, SERVICE)
    assert "./run local" in (caught.value.hint or "")


def test_the_harness_speaks_as_its_own_account_and_without_one_as_the_job(tmp_path: Path) -> None:
    job = Job.read(environ(tmp_path))
    assert job is not None
    stranger = door.open_forge(job, tmp_path)
    assert stranger.login is not None
    assert stranger.login.user == "gitea-actions"
    forge_accounts.write(tmp_path, {SERVICE: ForgeAccount("http://127.0.0.1:1", "gitops", Secret("tok-en"), "PEM")})
    ours = door.open_forge(job, tmp_path)
    assert ours.login is not None
    assert ours.login.user == "gitops"
    assert ours.address.ca is not None
    assert ours.address.ca.read_text() == "PEM"
    for forge in (stranger, ours):
        forge.close()


def test_settings_are_the_trusted_checkout_s_whatever_is_looked_at(tmp_path: Path) -> None:
    found = greeting.settings_of(tmp_path, {"PATH": "/bin", "GITOPS_SHARE": ""})
    assert found["GITOPS_CONFIG"] == str(tmp_path / "local/config.json")
    assert found["GITOPS_SHARE"] == str(tmp_path / "local/share")
    given = greeting.settings_of(tmp_path, {"GITOPS_CONFIG": "/c.json", "GITOPS_SHARE": "/s"})
    assert (given["GITOPS_CONFIG"], given["GITOPS_SHARE"]) == ("/c.json", "/s")
