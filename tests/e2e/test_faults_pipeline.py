"""Pipelines that meet a fault of the forge: a clear outcome each, and what was done is told in the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harness.config import forge_accounts
from harness.config.forge_accounts import ForgeAccount
from harness.forge import pulls, users
from harness.kit.errors import ExitCode, UnreachableError
from harness.lifecycle.plan import Action, Plan
from harness.lifecycle.seeding.accounts import service_login
from harness.lifecycle.workspace import Workspace
from harness.pipeline import merging, releasing, tell
from harness.pipeline.releasing import Ended
from harness.pve.errors import PveUnreachable
from tests.contract.seeding_world import git
from tests.e2e import test_pipeline_release as releases
from tests.e2e.pipeline_world import pipelines
from tests.e2e.test_pipeline_release import Stage, Suite
from tests.e2e.world import wait_until

SLUG = "main/probe"


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A seeded forge, nothing deployed yet; ending jobs do not wait long for a forge that does not listen."""
    monkeypatch.setattr(tell, "_PATIENCE", 0.1)
    with pipelines(tmp_path, jobs=False) as here:
        here.world.library("probe", 61, releases.RECIPE, releases.SPECS)
        (here.world.root / "config.env").write_text(releases.ENV.format(vmid=160, number=60, name="config"))
        here.seed()
        yield Stage(here, Suite(tmp_path / "runs"))


def take_back(stage: Stage) -> None:
    """The control plane's token works no more."""
    login = stage.here.forge.login
    assert login is not None
    (token,) = users.tokens(stage.here.admin, login.user)
    users.delete_token(stage.here.admin, login.user, token.name)


def renew(stage: Stage) -> None:
    """The workstation hands over a new one; the test's own session uses it, too."""
    login = service_login(stage.here.admin)
    assert login.token is not None
    account = ForgeAccount(stage.here.url, login.user, login.token)
    forge_accounts.write(stage.here.share, {forge_accounts.SERVICE: account})
    stage.here.forge.close()
    stage.here.forge = type(stage.here.forge)(stage.here.forge.address, login)


def test_a_token_that_was_taken_back_before_a_deploy_stops_it_before_anything_is_changed(stage: Stage) -> None:
    sha = stage.accept(SLUG, 1)
    take_back(stage)
    with pytest.raises(UnreachableError, match="the forge refuses the login") as caught:
        stage.release(SLUG, sha)
    assert caught.value.hint
    assert stage.suite.plans == []
    renew(stage)
    assert stage.release(SLUG, sha) == ExitCode.OK
    assert stage.here.status(SLUG, sha, "gitops/deploy").state == "success"


def test_a_token_that_is_taken_back_during_a_deploy_loses_no_result(stage: Stage) -> None:
    sha = stage.accept(SLUG, 1)
    stage.suite.meanwhile = lambda: take_back(stage)
    assert stage.release(SLUG, sha) == ExitCode.OK
    assert any("not told to the forge" in line and "gitops" in line for line in stage.said)
    assert list((stage.here.share / "outbox").glob("*.json"))
    renew(stage)
    stage.suite.meanwhile = lambda: None
    stage.configure(SLUG, stage.here.head(SLUG, "main"))
    assert stage.here.status(SLUG, sha, "gitops/deploy").state == "success"
    assert "| `probe` | create | passed |" in stage.here.comment(SLUG, 1, "deploy")
    assert not list((stage.here.share / "outbox").glob("*.json"))


def bigger(stage: Stage, memory: int) -> dict[str, str | None]:
    """The container with more memory."""
    return {"config.env": releases.env(stage, "MEMORY=256", f"MEMORY={memory}")}


def test_a_merge_conflict_leaves_the_pull_request_open_with_the_reason_until_it_is_solved(stage: Stage) -> None:
    releases.deployed(stage)
    numbers = [stage.propose(SLUG, name, bigger(stage, memory)) for name, memory in (("one", 512), ("two", 1024))]
    for number in numbers:
        stage.check(SLUG, number)
    first, second = (pulls.get(stage.here.forge, SLUG, number) for number in numbers)
    assert merging.accept(stage.here.forge, SLUG, first) == ""
    reason = merging.accept(stage.here.forge, SLUG, second)
    assert reason.startswith("left open: ")
    assert "conflict" in reason
    assert pulls.get(stage.here.forge, SLUG, second.number).open
    assert "MEMORY=512" in file_on_release(stage)
    solve(stage, second.number)
    assert stage.release(SLUG, stage.here.head(SLUG, "release")) == ExitCode.OK
    assert "MEMORY=1024" in file_on_release(stage)


def file_on_release(stage: Stage) -> str:
    """The container's configuration as it is to be deployed."""
    place = stage.here.path / "clone-main-probe"
    git(place, "fetch", "-q", "origin")
    return git(place, "show", "origin/release:config.env")


def solve(stage: Stage, number: int) -> None:
    """A person merges ``release`` into the branch, by their own version, and accepts it."""
    place = stage.here.path / "clone-main-probe"
    commands = (
        ["checkout", "-q", "two"],
        ["merge", "-q", "-X", "ours", "-m", "solved", "origin/release"],
        ["push", "-q", "origin", "two"],
    )
    for words in commands:
        git(place, *words)
    stage.accept(SLUG, number)


def test_two_merges_at_once_are_both_deployed_and_the_later_one_stands(stage: Stage) -> None:
    releases.deployed(stage)
    env = (stage.here.world.root / "libs/probe/config.env").read_text()
    first = stage.propose(SLUG, "one", {"config.env": env.replace("MEMORY=256", "MEMORY=512")})
    second = stage.propose(SLUG, "two", {"recipes/default.rb": releases.RECIPE.replace("one", "two")})
    for number in (first, second):
        stage.check(SLUG, number)
    shas = []
    for number in (first, second):
        stage.here.merge(SLUG, number)
        shas.append(stage.here.head(SLUG, "release"))
    assert [stage.release(SLUG, sha) for sha in shas] == [ExitCode.OK, ExitCode.OK]
    assert [plan.pending[0].action for plan in stage.suite.plans[-2:]] == [Action.CHANGE, Action.CONVERGE]
    assert [stage.here.status(SLUG, sha, "gitops/deploy").state for sha in shas] == ["success", "success"]
    assert stage.release(SLUG, shas[1]) == ExitCode.OK
    assert "nothing to do" in stage.here.status(SLUG, shas[1], "gitops/deploy").description


def test_two_merges_in_one_moment_are_both_deployed_one_after_the_other(stage: Stage) -> None:
    releases.deployed(stage)
    env = (stage.here.world.root / "libs/probe/config.env").read_text()
    numbers = (
        stage.propose(SLUG, "one", {"config.env": env.replace("MEMORY=256", "MEMORY=512")}),
        stage.propose(SLUG, "two", {"recipes/default.rb": releases.RECIPE.replace("one", "two")}),
    )
    for number in numbers:
        stage.check(SLUG, number)
    merged = together(lambda number: stage.here.merge(SLUG, number).merge_sha, numbers)
    assert len(set(merged)) == 2
    (lock,) = stage.here.share.glob("*/locks/161.lock")
    first = threading.Event()

    def carry_out(workspace: Workspace, plan: Plan) -> Ended:
        if not first.is_set():
            first.set()
            wait_until(lambda: waited_for(lock), 60, "the other deploy waits for its turn")
        return stage.suite(workspace, plan)

    offices = [stage.job(SLUG, sha, "release") for sha in merged]
    codes = together(lambda office: releasing.release(office, carry_out), offices)
    for office in offices:
        office.close()
    assert codes == [ExitCode.OK, ExitCode.OK]
    assert [stage.here.status(SLUG, sha, "gitops/deploy").state for sha in merged] == ["success", "success"]
    head = stage.here.head(SLUG, "release")
    assert head in merged
    stage.release(SLUG, head)
    assert "nothing to do" in stage.here.status(SLUG, head, "gitops/deploy").description


def waited_for(lock: Path) -> bool:
    """Whether somebody waits for a lock file (proc(5): a line with an arrow is one that waits for the one above it)."""
    lines = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and f":{lock.stat().st_ino} " in line for line in lines)


def together(work: Callable[[Any], Any], given: Iterable[Any]) -> list[Any]:
    """``work`` for all of them, begun in the same moment."""
    items = list(given)
    start = threading.Barrier(len(items))

    def begin(item: Any) -> Any:
        start.wait()
        return work(item)

    with ThreadPoolExecutor(len(items)) as pool:
        return list(pool.map(begin, items))


def test_a_node_that_is_away_fails_the_deploy_and_the_next_one_mends_it(stage: Stage) -> None:
    sha = stage.accept(SLUG, 1)
    settings = stage.here.share / "config.json"
    right = settings.read_text()
    settings.write_text(right.replace(f'"port": {stage.here.node.port}', '"port": 9'))
    with pytest.raises(PveUnreachable, match="cannot be reached"):
        stage.release(SLUG, sha)
    status = stage.here.status(SLUG, sha, "gitops/deploy")
    assert (status.state, "127.0.0.1:9" in status.description) == ("failure", True)
    settings.write_text(right)
    assert stage.release(SLUG, sha) == ExitCode.OK
    assert stage.here.status(SLUG, sha, "gitops/deploy").state == "success"
