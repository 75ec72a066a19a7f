"""The client's calls against the embedded forge: what one writes, the other reads back."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.forge import (
    actions,
    branches,
    comments,
    hooks,
    organisations,
    pulls,
    repositories,
    statuses,
    users,
    variables,
)
from harness.forge.client import Forge, Login
from harness.forge.errors import Conflict, LoginRefused, MergeRefused, NotFound
from harness.forge.variables import Scope
from harness.kit.clock import Deadline
from harness.kit.secret import Secret
from harness.lifecycle.seeding.pointers import bump
from tests.contract.seeding_world import World, git, world, write

WORKFLOW = "on:\n  workflow_dispatch:\n  push:\njobs:\n  one:\n    runs-on: shell\n    steps:\n      - run: 'true'\n"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("client")) as made:
        made.seed()
        yield made


@pytest.fixture
def slug(here: World) -> str:
    """A repository with one commit on main."""
    name = f"r{secrets.token_hex(4)}"
    repositories.create(here.forge, "tasks", name, description="for a test")
    where = f"tasks/{name}"
    place = here.path / name
    write(place, {"README.md": "# r\n", ".gitea/workflows/ci.yml": WORKFLOW})
    git(place, "init", "-q", "-b", "main")
    git(place, "add", "-A")
    git(place, "commit", "-qm", "first")
    git(place, "push", "-q", here.url(where), "main")
    return where


def proposal(here: World, slug: str) -> pulls.Pull:
    """An open pull request from branch topic."""
    branches.create(here.forge, slug, "topic", start="main")
    here.push(slug, {"new.txt": "new\n", "README.md": "# other\n"}, "topic")
    return pulls.create(here.forge, slug, base="main", head="topic", title="a change", body="why")


def test_a_pull_request_is_opened_read_and_merged(here: World, slug: str) -> None:
    made = proposal(here, slug)
    again, opened = pulls.ensure(here.forge, slug, base="main", head="topic", title="x")
    assert (again.number, opened) == (made.number, False)
    assert {entry.path: entry.status for entry in pulls.files(here.forge, slug, made.number)} == {
        "new.txt": "added", "README.md": "changed",
    }  # fmt: skip
    assert "+new" in pulls.diff(here.forge, slug, made.number)
    assert pulls.edit(here.forge, slug, made.number, title="better").title == "better"
    with pytest.raises(Conflict):
        pulls.merge(here.forge, slug, made.number, Deadline(10), head_sha="1" * 40)
    merged = here.merge(slug, made.number)
    assert (merged.merged, merged.open) == (True, False)
    assert merged.merge_sha == here.head(slug)
    assert pulls.find_open(here.forge, slug, base="main", head="topic") is None
    with pytest.raises(MergeRefused, match="merged"):
        pulls.wait_mergeable(here.forge, slug, made.number, Deadline(10))
    with pytest.raises(MergeRefused):
        pulls.merge(here.forge, slug, made.number, Deadline(10))


def test_a_conflict_is_refused(here: World, slug: str) -> None:
    made = proposal(here, slug)
    here.push(slug, {"README.md": "# third\n"})
    with pytest.raises(MergeRefused):
        pulls.wait_mergeable(here.forge, slug, made.number, Deadline(2))


def test_the_comment_about_a_plan_is_kept_and_not_repeated(here: World, slug: str) -> None:
    number = proposal(here, slug).number
    first = comments.keep(here.forge, slug, number, "plan", "1 to change")
    second = comments.keep(here.forge, slug, number, "plan", "nothing to change")
    assert first.id == second.id
    (listed,) = comments.listed(here.forge, slug, number)
    assert listed.body.endswith("nothing to change")
    comments.delete(here.forge, slug, first.id)
    comments.delete(here.forge, slug, first.id)
    assert comments.listed(here.forge, slug, number) == []


def test_the_newest_status_of_a_context_counts(here: World, slug: str) -> None:
    sha = here.head(slug)
    statuses.report(here.forge, slug, sha, "plan", "pending", description="planning")
    statuses.report(here.forge, slug, sha, "plan", "success", description="1 to change", target="https://example.org/1")
    newest = statuses.newest(here.forge, slug, "main")["plan"]
    assert (newest.state, newest.description, newest.target) == ("success", "1 to change", "https://example.org/1")


def test_variables_are_read_back_and_secrets_are_not(here: World, slug: str) -> None:
    for scope in (Scope.organisation("stage"), Scope.repository(slug)):
        variables.put(here.forge, scope, "GREETING", "hello")
        variables.put(here.forge, scope, "GREETING", "good day")
        assert variables.get(here.forge, scope, "greeting") == "good day"
        assert variables.listed(here.forge, scope)["GREETING"] == "good day"
        variables.put_secret(here.forge, scope, "KEY", Secret("never shown"))
        assert "KEY" in {secret["name"] for secret in here.forge.listed(f"{scope.prefix}/secrets")}
        variables.delete(here.forge, scope, "GREETING")
        variables.delete(here.forge, scope, "GREETING")
        assert variables.get(here.forge, scope, "GREETING") is None


def test_a_webhook_is_made_once_and_changed_afterwards(here: World, slug: str) -> None:
    url = "http://127.0.0.1:9/hook"
    made = hooks.ensure(here.forge, slug, url, ["push"], Secret("s3cret"))
    assert hooks.ensure(here.forge, slug, url, ["push", "create"], Secret("other")).id == made.id
    (listed,) = hooks.listed(here.forge, slug)
    assert (listed.url, {"push", "create"} <= listed.events) == (url, True)
    hooks.delete(here.forge, slug, made.id)
    assert hooks.listed(here.forge, slug) == []


def test_workflows_are_started(here: World, slug: str) -> None:
    actions.dispatch(here.forge, slug, "ci.yml", "main")
    run = next(entry for entry in actions.runs(here.forge, slug) if entry.event == "workflow_dispatch")
    assert (run.workflow, run.branch, run.sha, run.done) == ("ci.yml", "main", here.head(slug), False)
    assert actions.get(here.forge, slug, run.id) == run
    (job,) = actions.jobs(here.forge, slug, run.id)
    assert actions.log(here.forge, slug, job.id) == ""
    with pytest.raises(NotFound):
        actions.dispatch(here.forge, slug, "none.yml", "main")


def test_files_and_submodules_are_read(here: World, slug: str) -> None:
    assert repositories.read(here.forge, slug, "README.md", "main") == b"# r\n"
    assert repositories.read(here.forge, slug, "none", "main") is None
    assert repositories.submodule_sha(here.forge, "main/config", "libs/broker", "main") == here.head("main/broker")
    assert repositories.submodule_sha(here.forge, "main/config", "README.md", "main") is None


def test_an_archived_repository_takes_no_push(here: World, slug: str) -> None:
    assert repositories.archive(here.forge, slug).archived
    with pytest.raises(AssertionError):
        here.push(slug, {"x": "x"})
    assert not repositories.archive(here.forge, slug, archived=False).archived


def test_accounts_and_their_tokens(here: World) -> None:
    name = f"u{secrets.token_hex(4)}"
    assert users.ensure(here.admin, name, Secret("first-Password-1"), email=f"{name}@example.org")
    assert not users.ensure(here.admin, name, Secret("first-Password-1"), email=f"{name}@example.org")
    first = users.create_token(here.admin, name, "ci", ["read:user"])
    assert users.me(Forge(here.forge.address, Login(name, token=first))).login == name
    second = users.create_token(here.admin, name, "ci", ["read:user"])
    with pytest.raises(LoginRefused):
        users.me(Forge(here.forge.address, Login(name, token=first)))
    assert users.me(Forge(here.forge.address, Login(name, token=second))).login == name
    assert not users.me(Forge(here.forge.address, Login(name, Secret("first-Password-1")))).admin
    assert organisations.members(here.forge, "main") == ["gitops"]


def test_parts_that_move_at_once_all_move_their_pointers(here: World) -> None:
    moved = {name: here.push(f"main/{name}", {"notes.md": "at once\n"}) for name in ("broker", "proxy", "helpers")}
    with ThreadPoolExecutor() as pool:
        made = list(pool.map(lambda name: bump(here.forge, here.path / f"{name}.git", name), moved))
    assert len(set(made)) == 3
    shown = here.show("main/config")
    assert {name: shown[f"libs/{name}"] for name in moved} == moved
