"""From a working tree to a control plane inside the embedded node, which goes on from there.

One world for the module, its tests in their order: each goes on where the one before ended.
"""

from __future__ import annotations

import os
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness.forge import actions, branches, pulls, repositories, statuses
from harness.forge.model import Status
from harness.repo import content
from tests.e2e.plane_world import PlaneWorld
from tests.e2e.world import wait_until

CONFIG, BROKER = 110, 111
SHOW_RUNNER = "systemctl show -p MainPID --value gitops-runner"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlaneWorld]:
    found = PlaneWorld(tmp_path_factory.mktemp("plane"), f"e2e-plane-{os.getpid()}", 91, ("broker",))
    yield found
    found.close()
    assert found.remains() == []


def clone(world: PlaneWorld, url: str, directory: Path) -> Path:
    """The whole monorepo as a stranger gets it."""
    trust = {"GIT_SSL_CAINFO": str(world.authority)} if url.startswith("https") else {}
    subprocess.run(
        ["git", "clone", "--quiet", "--recurse-submodules", f"{url}/main/config.git", str(directory)],
        env={**os.environ, **trust},
        check=True,
    )
    return directory


def test_local_ends_at_an_open_pull_request_when_it_is_told_to(world: PlaneWorld) -> None:
    output = world.succeed("local", "--no-accept")
    assert f"{world.local_url}/main/config/pulls/1" in output
    with closing(world.forge(world.local_url)) as forge:
        assert pulls.get(forge, "main/config", 1).title == "Release Pull Request"
    assert world.containers() == []


def test_again_it_finds_everything_and_does_nothing(world: PlaneWorld) -> None:
    before = world.local_id()
    output = world.succeed("local", "--no-accept")
    assert "installing the harness" not in output
    assert "starting the control plane" not in output
    assert world.local_id() == before != ""


def test_stopped_and_made_anew_it_has_lost_nothing(world: PlaneWorld) -> None:
    with closing(world.forge(world.local_url)) as forge:
        head = branches.heads(forge, "main/config")
    world.stop_plane()
    assert world.local_id() == ""
    world.succeed("local", "--no-accept")
    with closing(world.forge(world.local_url)) as forge:
        assert branches.heads(forge, "main/config") == head


def test_accepting_pull_request_1_makes_a_control_plane_inside_the_node(world: PlaneWorld) -> None:
    run = world.accept(world.local_url, "main/config")
    assert run.conclusion == "success", world.log(world.local_url, "main/config", run)
    trust = ssl.create_default_context(cafile=str(world.authority))
    with urllib.request.urlopen(f"{world.inner_url}/api/healthz", context=trust, timeout=10) as answer:
        assert answer.status == 200


def test_nothing_of_docker_came_with_it(world: PlaneWorld) -> None:
    assert world.shell(CONFIG, "command -v docker dockerd containerd || echo none") == "none"


def test_the_monorepo_is_the_same_on_workstation_and_both_forges(world: PlaneWorld, tmp_path: Path) -> None:
    outer = clone(world, world.local_url, tmp_path / "outer")
    inner = clone(world, world.inner_url, tmp_path / "inner")
    assert content.of_tree(outer) == content.of_tree(inner) == content.of_tree(world.root)
    assert (outer / ".gitmodules").read_text() == (inner / ".gitmodules").read_text()


def test_there_a_release_pull_request_is_open_for_each_container(world: PlaneWorld) -> None:
    with closing(world.forge(world.inner_url)) as forge:
        assert [one.title for one in pulls.listed(forge, "main/broker")] == ["Release Pull Request"]


def test_accepting_that_deploys_the_container_from_there(world: PlaneWorld) -> None:
    world.delete(BROKER)
    assert world.actions() == {"broker": "create"}
    run = world.accept(world.inner_url, "main/broker")
    assert run.conclusion == "success", world.log(world.inner_url, "main/broker", run)


def test_auto_deploy_accepts_what_still_waits_there_and_deploys_nothing_anew(
    world: PlaneWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTO_DEPLOY", "true")
    before = world.container(BROKER).id
    output = world.succeed("local")
    assert "main/config pull request 1: merged" in output
    with closing(world.forge(world.inner_url)) as forge:
        assert pulls.get(forge, "main/config", 1).merged
        sha = branches.heads(forge, "main/config")["release"]

        def ended() -> Status | None:
            found = statuses.newest(forge, "main/config", sha).get("gitops/deploy")
            return found if found is not None and found.state != "pending" else None

        found = wait_until(ended, 120, "the end of the release there")
    assert found.description == "nothing to do: everything is as the repository says"
    assert world.container(BROKER).id == before


def test_a_container_trusts_the_control_plane_and_whatever_it_vouches_for(world: PlaneWorld) -> None:
    command = f"curl --silent --fail --max-time 10 --output /dev/null --write-out '%{{http_code}}' {world.inner_url}/"
    assert world.shell(BROKER, command) == "200"
    assert world.shell(BROKER, f"{command} --cacert /etc/ssl/certs/ISRG_Root_X1.pem --capath /none || true") == "000"


def test_plans_there_look_with_a_token_that_only_reads(world: PlaneWorld) -> None:
    token = "/var/lib/gitops/share/embedded/pve-read.token"
    assert world.shell(CONFIG, f"stat -c %a:%U {token}") == "600:gitops"
    assert world.shell(CONFIG, f"cut -d! -f1 {token}") == "gitops-read@pve"


def test_the_workstation_verifies_what_was_deployed_from_there(world: PlaneWorld) -> None:
    assert "passed" in world.succeed("verify", "broker")


def test_the_control_planes_own_specs_hold(world: PlaneWorld) -> None:
    assert "passed" in world.succeed("verify", "config")


def test_a_new_revision_of_the_control_plane_loses_nothing(world: PlaneWorld) -> None:
    installed = world.shell(CONFIG, "readlink /opt/gitops/program")
    with closing(world.forge(world.inner_url)) as forge:
        before = {run.id for run in actions.runs(forge, "main/broker")}
    with (world.root / "harness" / "kit" / "secret.py").open("a") as source:
        source.write("\n# Another revision.\n")
    world.succeed("deploy", "config")
    assert world.shell(CONFIG, "readlink /opt/gitops/program") != installed
    with closing(world.forge(world.inner_url)) as forge:
        assert before <= {run.id for run in actions.runs(forge, "main/broker")}
        assert pulls.get(forge, "main/broker", 1).merged
        assert repositories.find(forge, "main/harness") is not None


def test_from_inside_its_units_restart_after_the_job_that_changed_them(world: PlaneWorld) -> None:
    world.shell(CONFIG, "sed -i 's/^Description=.*/Description=changed/' /etc/systemd/system/gitops-runner.service")
    pid = world.shell(CONFIG, SHOW_RUNNER)
    with closing(world.forge(world.inner_url)) as forge:
        before = {run.id for run in actions.runs(forge, "main/config")}
        actions.dispatch(forge, "main/config", "configure.yml", "main")
    run = world.follow(world.inner_url, "main/config", before)
    assert run.conclusion == "success", world.log(world.inner_url, "main/config", run)
    wait_until(lambda: world.shell(CONFIG, SHOW_RUNNER) not in (pid, "0"), 60, "the new runner")
    assert world.shell(CONFIG, "grep -c Description=changed /etc/systemd/system/gitops-runner.service") == "0"


def test_with_both_control_planes_stopped_the_containers_do_their_work(world: PlaneWorld) -> None:
    world.stop_plane()
    world.shell(CONFIG, "systemctl stop gitops-runner gitops-forge")
    world.container(BROKER).restart()
    assert "passed" in world.succeed("verify", "broker")
