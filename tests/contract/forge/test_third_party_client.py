"""A client from PyPI that nobody here wrote (py-gitea) does its work on the forge."""

from __future__ import annotations

import base64

import gitea
import pytest

from tests.contract.forge.target import Target


@pytest.fixture
def client(target: Target) -> gitea.Gitea:
    return gitea.Gitea(target.base, auth=(target.admin, target.password), log_level="ERROR")


def test_it_reads_the_version_and_who_it_is(client: gitea.Gitea, target: Target) -> None:
    assert client.get_version().startswith("1.")
    assert client.get_user().username == target.admin


def test_it_makes_organisations_repositories_and_teams(client: gitea.Gitea) -> None:
    org = client.create_org(client.get_user(), "py-org", "made by a client", location="here")
    repository = client.create_repo(org, "app", description="the app", autoInit=True)
    team = client.create_team(org, "workers", description="they work")

    assert org.username == "py-org"
    assert repository.get_full_name() == "py-org/app"
    assert [one.name for one in org.get_repositories()] == ["app"]
    assert {one.name for one in org.get_teams()} == {"Owners", team.name}
    repository.delete()
    org.delete()


def test_it_works_with_files_branches_and_commits(client: gitea.Gitea) -> None:
    org = client.create_org(client.get_user(), "py-files", "")
    repository = client.create_repo(org, "app", autoInit=True)
    repository.create_file("config.env", base64.b64encode(b"ID=1\n").decode())
    found = {one.name: one for one in repository.get_git_content()}
    repository.add_branch(repository.get_branches()[0], "topic")

    assert set(found) == {"README.md", "config.env"}
    assert base64.b64decode(repository.get_file_content(found["config.env"])) == b"ID=1\n"
    assert {one.name for one in repository.get_branches()} == {
        "master",
        "topic",
    }  # the client asks for a default branch of that name
    assert len(repository.get_commits()) == 2


def test_it_makes_users_and_asks_for_what_is_not_there(client: gitea.Gitea) -> None:
    user = client.create_user("py-user", "py-user@example.com", "Secret-123", send_notify=False)

    assert user.username in {one.username for one in client.get_users()}
    with pytest.raises(gitea.NotFoundException):
        gitea.Repository.request(client, "py-user", "nothing")
    user.delete()
