"""A host in local/config.json: a node of the same API reached like any other, with no Docker anywhere near."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.world import SOURCE, World, free_port, wait_until

RECIPE = "file '/etc/probe' do\n  content 'one'\nend\n"
SPECS = 'def test_the_file_is_there(host):\n    assert host.file("/etc/probe").exists\n'
FINGERPRINT = "AB:" * 31 + "AB"


@dataclass
class Host:
    """A node with nothing behind its containers."""

    port: int
    password: str
    fingerprint: str

    def settings(self, **changes: Any) -> dict[str, Any]:
        """``local/config.json`` for it."""
        proxmox = {"host": "127.0.0.1", "port": self.port, "password": self.password, "fingerprint": self.fingerprint}
        return {"proxmox": {**proxmox, **changes}}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """The host."""
    state, port = tmp_path_factory.mktemp("host"), free_port()
    argv = [sys.executable, "-m", "harness.embedded.node", "--state", str(state), "--port", str(port)]
    argv += ["--runtime", "memory", "--listen", "127.0.0.1", "--bridge", "vmbr0=10.187.50.1/24"]
    node = subprocess.Popen(argv, cwd=SOURCE, stderr=subprocess.DEVNULL)
    try:
        wait_until((state / "node.json").exists, 30, "the host")
        ready = json.loads((state / "node.json").read_text())
        yield Host(port, (state / "password").read_text().strip(), ready["fingerprint"])
    finally:
        node.terminate()
        node.wait(20)


@pytest.fixture
def world(tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch) -> World:
    """A repository with one library whose settings name the host; asking Docker anything would fail."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-docker-here")
    world = World(tmp_path, "e2e-host", 50)
    world.library("probe", 51, RECIPE, SPECS)
    world.settings(host.settings())
    return world


def test_local_without_a_deploy_ends_with_the_plan_and_says_how_to_apply_it(world: World) -> None:
    output = world.succeed("local", "--no-deploy")
    assert "1 create" in output
    assert "./run deploy" in output
    assert world.actions() == {"probe": "create"}


def test_the_plan_says_by_its_exit_code_that_there_is_something_to_do(world: World) -> None:
    assert world.run("plan")[0] == 10


def test_doctor_finds_the_host_and_asks_nothing_of_docker(world: World) -> None:
    output = world.succeed("doctor")
    assert "as root@pam" in output
    assert "Docker" not in output


def test_a_wrong_password_is_said_and_not_shown(world: World, host: Host) -> None:
    world.settings(host.settings(password="not-the-password"))
    code, output = world.run("plan")
    assert code == 3
    assert "root@pam" in output
    assert "not-the-password" not in output


def test_another_certificate_is_refused_with_how_to_accept_it(world: World, host: Host) -> None:
    world.settings(host.settings(fingerprint=FINGERPRINT))
    code, output = world.run("deploy")
    assert code == 3
    assert host.fingerprint in output
    assert "fingerprint" in output


def test_a_host_that_does_not_answer_is_exit_code_3(world: World, host: Host) -> None:
    world.settings(host.settings(port=free_port()))
    code, output = world.run("plan")
    assert code == 3
    assert "Traceback" not in output


def test_settings_that_others_may_read_are_refused_before_anything(world: World) -> None:
    (world.root / "local/config.json").chmod(0o644)
    code, output = world.run("plan")
    assert code == 2
    assert "chmod 600" in output


def test_down_keeps_what_is_known_of_a_host(world: World, host: Host) -> None:
    world.run("plan")
    kept = world.root / "local/share" / f"127.0.0.1-{host.port}"
    assert kept.is_dir()
    world.succeed("down", "--yes", "--all")
    assert kept.is_dir()
