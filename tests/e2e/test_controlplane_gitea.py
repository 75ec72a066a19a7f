"""A local control plane with Gitea in it: its releases come from a mirror, its units start them, its runner registers.

The releases are programs of the test's own that note what they are asked.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
from docker.client import DockerClient

from harness.config.settings import ControlPlaneSettings, GiteaSettings, Settings
from harness.config.share import Share
from harness.controlplane import container
from harness.controlplane.container import ControlPlane, Place
from harness.controlplane.kit import ACCOUNT
from harness.controlplane.luggage import Luggage
from harness.controlplane.program import Program
from harness.embedded.engine import client as engine
from harness.embedded.engine.files import File
from harness.embedded.engine.system import Systems
from harness.kit.clock import Deadline, wait_until
from harness.kit.secret import Secret
from tests.e2e.world import SOURCE, free_port
from tests.unit import gitea_world
from tests.unit.gitea_world import mirror, packed

PASSWORD = Secret("correct-horse-battery-gitea")
GITEA_HOME = "/var/lib/gitops/forge/gitea"
RUNNER_HOME = "/var/lib/gitops/runner/gitea"


@dataclass(frozen=True, slots=True)
class Plane:
    """The control plane, and what its mirror was asked for."""

    found: ControlPlane
    again: ControlPlane
    asked: list[str]
    registration: str
    systems: Systems

    def read(self, path: str) -> str:
        """A file of the container."""
        return next(iter(self.systems.read(self.found.container, path).values()), b"").decode()

    def run(self, *command: str) -> str:
        """What a command in the container prints."""
        return self.systems.execute(self.found.container, list(command), check=False)


def _releases() -> tuple[dict[str, bytes], GiteaSettings]:
    gitea, first = packed(gitea_world.release(gitea_world.GITEA, "/usr/bin/python3"))
    runner, second = packed(gitea_world.release(gitea_world.RUNNER, "/opt/gitops/current/bin/python"))
    files = {}
    for machine in ("amd64", "arm64"):
        files[f"/gitea/1.26.4/gitea-1.26.4-linux-{machine}.xz"] = gitea
        files[f"/act_runner/0.2.13/act_runner-0.2.13-linux-{machine}.xz"] = runner
    return files, GiteaSettings(sha256=(first,), runner_sha256=(second,))


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    base = tmp_path_factory.mktemp("share")
    files, gitea = _releases()
    asked: list[str] = []
    place = Place.of(base, f"e2e-gitea-{os.getpid() % 10000}")
    with mirror(files, asked) as url, closing(engine.connect(600)) as client:
        gitea = GiteaSettings(sha256=gitea.sha256, runner_sha256=gitea.runner_sha256, mirror=url)
        settings = Settings(forge="gitea", gitea=gitea, control_plane=ControlPlaneSettings(port=free_port()))
        share = Share(base / "embedded")
        luggage = Luggage(settings, share, "ann", PASSWORD)
        try:
            yield _bring_up(client, place, luggage, asked)
        finally:
            container.destroy(client, place, data=True)


def _bring_up(client: DockerClient, place: Place, luggage: Luggage, asked: list[str]) -> Plane:
    program = Program.of(SOURCE)
    found = container.ensure(client, place, luggage, program, print)
    systems = Systems(client)
    registration = container.programs_of(luggage.settings, client).registration
    systems.put(found.container, [File(registration, b"good\n", 0o600, ACCOUNT)])
    wait_until(lambda: systems.read(found.container, f"{RUNNER_HOME}/running"), Deadline(40), "the runner runs")
    return Plane(found, container.ensure(client, place, luggage, program, print), asked, registration, systems)


def test_the_units_run_the_releases(plane: Plane) -> None:
    for unit, program in (("gitops-forge", "gitea-1.26.4"), ("gitops-runner", "act_runner-0.2.13")):
        assert plane.run("systemctl", "is-active", unit) == "active"
        assert program in plane.run("systemctl", "status", "--no-pager", "--full", unit)


def test_each_release_is_fetched_once_and_the_second_time_nothing_is_done(plane: Plane) -> None:
    assert len(plane.asked) == len(set(plane.asked)) == 2
    assert plane.again.changed == ()


def test_the_administrator_has_the_password_and_no_command_line_had_it(plane: Plane) -> None:
    assert json.loads(plane.read(f"{GITEA_HOME}/people.json")) == {"ann": PASSWORD.reveal()}
    assert PASSWORD.reveal() not in plane.read(f"{GITEA_HOME}/calls.jsonl")
    asked = [json.loads(line)["argv"] for line in plane.read(f"{RUNNER_HOME}/calls.jsonl").splitlines()]
    assert "good" not in json.dumps(asked)


def test_gitea_is_the_account_s_and_its_files_nobody_else_s(plane: Plane) -> None:
    files = plane.run("find", "/var/lib/gitops/forge", "/var/lib/gitops/runner", "-perm", "/077")
    assert files == ""
    assert plane.run("stat", "-c", "%U %a", f"{GITEA_HOME}/app.ini") == "gitops 600"


def test_the_runner_takes_jobs_with_the_label_shell_on_the_host(plane: Plane) -> None:
    entry = json.loads(plane.read(f"{RUNNER_HOME}/registration.json"))
    assert entry["labels"] == ["shell:host"]
    assert entry["name"] == container.HOSTNAME


def test_the_releases_are_kept_for_the_next_control_plane(plane: Plane) -> None:
    kept = plane.run("ls", "/opt/gitops/releases").split()
    assert [name.endswith(".xz") for name in kept].count(True) == 2
    assert len(kept) == 4


def test_the_forge_comes_back_after_it_was_killed(plane: Plane) -> None:
    plane.run("systemctl", "kill", "--signal=SIGKILL", "gitops-forge")
    wait_until(lambda: container.healthy(plane.found.url), Deadline(40), "the forge is well again")
    assert json.loads(plane.read(f"{GITEA_HOME}/people.json")) == {"ann": PASSWORD.reveal()}
