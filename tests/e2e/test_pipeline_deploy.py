"""From a merge to a verified container, and what happens to it then: forge, runner, jobs and container as they are."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.embedded import launch
from harness.forge import actions, pulls, repositories, variables
from harness.forge.variables import Scope
from tests.contract.seeding_world import git
from tests.e2e.pipeline_world import Node, Pipelines, around, borrow, runner
from tests.e2e.world import World, wait_until

RECIPE = """\
directory '/app/data'
file '/app/data/kept' do
  content 'precious'
end
Env.set(node, 'PROBE_TOKEN', 'set-by-the-recipe')
file '/etc/probe' do
  content "one #{Env.get(node, 'GREETING')}"
end
"""
SNAPSHOT = "Utils.snapshot(self, '/app/data')\n"
SPECS = """\
def test_the_file_is_there(host):
    assert host.file("/etc/probe").content_string.endswith(" hello from the forge")
"""
DEPLOYED = 300.0


@pytest.fixture(scope="module")
def here(make_world: Callable[..., World], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipelines]:
    """A forge with one small library, and a node of this test's own with nothing on it yet."""
    path: Path = tmp_path_factory.mktemp("deploying")
    world = make_world("pipe", 61)
    library = world.library("probe", 61, RECIPE, SPECS, env="ENGINE=itamae\n")
    (library / "recipes/snapshot.rb").write_text(SNAPSHOT)
    assert world.run("plan")[0] == 10
    access = launch.find(world.root / "local/share/embedded/node")
    assert access is not None
    with around(path, world, Node(), access.host) as found:
        borrow(found, access)
        variables.put(found.forge, Scope.organisation("main"), "GREETING", "hello from the forge")
        found.seed()
        with runner(found):
            yield found


def test_a_merge_ends_with_a_verified_container(here: Pipelines) -> None:
    sha = here.forge.get("repos/main/probe/pulls/1")["head"]["sha"]
    assert here.status("main/probe", sha, "gitops/plan").state == "success", here.logs("main/probe")
    here.merge("main/probe", 1)
    sha = here.head("main/probe", "release")
    status = here.status("main/probe", sha, "gitops/deploy", seconds=DEPLOYED)
    assert (status.state, status.description) == ("success", "probe: passed, 1 specs passed"), here.logs("main/probe")
    assert "| `probe` | create | passed | 1 of 1 |" in here.comment("main/probe", 1, "deploy")
    assert here.world.actions() == {"probe": "unchanged"}


def test_its_report_is_a_page_that_status_comment_and_containers_lead_to(here: Pipelines) -> None:
    sha = here.head("main/probe", "release")
    page = here.status("main/probe", sha, "gitops/deploy").target.removeprefix(here.forge.address.base)
    assert page.startswith("/main/probe/actions/reports/")
    assert f"{page}) of run" in here.comment("main/probe", 1, "deploy")
    assert "All verified" in here.forge.text(f"{page}/document")
    run = here.ended("main/probe", "gitops-release.yml", sha)
    assert page in here.forge.text(f"/main/probe/actions/runs/{run.id}")
    listed = here.forge.get("/api/gitops/containers")["containers"]
    (specs,) = [one["specs"] for one in listed if one["name"] == "probe"]
    assert (specs["outcome"], specs["report"], specs["link"]) == ("passed", page, f"/main/probe/actions/runs/{run.id}")


def test_a_recipe_reads_and_writes_variables_of_the_forge(here: Pipelines) -> None:
    assert here.world.shell(161, "cat /etc/probe") == "one hello from the forge"
    assert variables.get(here.forge, Scope.organisation("main"), "PROBE_TOKEN") == "set-by-the-recipe"


def test_a_recipe_may_not_write_what_is_not_its_own(here: Pipelines) -> None:
    recipe = RECIPE.replace("PROBE_TOKEN", "BROKER_TOKEN")
    sha = here.push("main/probe", {"recipes/default.rb": recipe}, "main")
    status = here.status("main/probe", sha, "gitops/configure", seconds=DEPLOYED)
    assert status.state == "failure"
    run = here.ended("main/probe", "gitops-configure.yml", sha)
    (job,) = actions.jobs(here.forge, "main/probe", run.id)
    assert "BROKER_TOKEN is not for recipes to write" in actions.log(here.forge, "main/probe", job.id)
    assert variables.get(here.forge, Scope.organisation("main"), "BROKER_TOKEN") is None


def test_a_push_to_main_configures_and_moves_the_pointer(here: Pipelines) -> None:
    sha = here.push("main/probe", {"recipes/default.rb": RECIPE.replace("one ", "two ")}, "main")
    assert here.status("main/probe", sha, "gitops/configure", seconds=DEPLOYED).state == "success", here.logs(
        "main/probe"
    )
    assert here.world.shell(161, "cat /etc/probe") == "two hello from the forge"

    def pointed() -> bool:
        return repositories.submodule_sha(here.forge, "main/config", "libs/probe", "main") == sha

    wait_until(pointed, 60, "the pointer to probe")


def test_a_push_to_snapshot_archives_the_data(here: Pipelines) -> None:
    sha = here.head("main/probe", "main")
    git(here.path / "clone-main-probe", "push", "-q", "--force", "origin", f"{sha}:snapshot")
    status = here.status("main/probe", sha, "gitops/snapshot", seconds=DEPLOYED)
    assert status.state == "success", here.logs("main/probe")
    (kept,) = (here.share / "embedded/snapshots/probe").glob("probe-*.tar.gz")
    with tarfile.open(kept) as tar:
        data = tar.extractfile("./kept")
        assert data is not None
        assert data.read() == b"precious"


def task(here: Pipelines, name: str) -> str:
    """Run a task's workflow from its repository; its log."""
    slug, file = f"tasks/{name}", f"{name}.yml"
    actions.dispatch(here.forge, slug, file, "main")
    (run,) = wait_until(lambda: [run for run in here.runs(slug, file) if run.done], DEPLOYED, f"task {name}")
    (job,) = actions.jobs(here.forge, slug, run.id)
    text = actions.log(here.forge, slug, job.id)
    assert run.conclusion == "success", text
    return text


def test_health_tells_every_repository_how_its_container_is(here: Pipelines) -> None:
    log = task(here, "health")
    found = repositories.find(here.forge, "main/probe")
    assert found is not None
    assert found.description == "[active] 161 (10.187.61.61)", log
    config = repositories.find(here.forge, "main/config")
    assert config is not None
    assert config.description.startswith("[not deployed]")


def test_update_upgrades_what_stands(here: Pipelines) -> None:
    assert "probe: up to date" in task(here, "update")


def test_the_deploy_task_merges_what_waits(here: Pipelines) -> None:
    pulls.edit(here.forge, "main/config", 1, state="closed")
    pull = here.request("main/probe", "main")
    log = task(here, "deploy")
    assert f"main/probe pull request {pull.number}: merged" in log
    sha = here.head("main/probe", "release")
    assert here.status("main/probe", sha, "gitops/deploy", seconds=DEPLOYED).state == "success"
