"""Gitea's own runner: registered once, by its questions; told to end by the signals that ours takes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from harness.controlplane.gitea import runner
from harness.controlplane.gitea.runner import Worker
from harness.kit.clock import Deadline, wait_until
from harness.kit.errors import UsageError
from harness.kit.process import CommandError
from tests.unit import gitea_world
from tests.unit.gitea_world import calls

FORGE = "http://127.0.0.1:8080"


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    token = tmp_path / "token"
    token.write_text("good\n")
    program = gitea_world.runner(tmp_path / "bin")
    return Worker(program, tmp_path / "state", FORGE, token, "config", 4, ("shell",), 7200)


def test_it_registers_with_the_label_shell_on_the_host_and_the_token_is_no_argument(worker: Worker) -> None:
    runner.prepare(worker)
    entry = json.loads(worker.registration.read_text())
    assert (entry["address"], entry["name"], entry["labels"]) == (FORGE, "config", ["shell:host"])
    assert worker.registration.stat().st_mode & 0o777 == 0o600
    (call,) = calls(worker.program)
    assert "good" not in call["argv"]


def test_its_configuration_gives_jobs_their_time_at_the_end(worker: Worker) -> None:
    found = yaml.safe_load(runner.render(worker))
    assert found["runner"]["shutdown_timeout"] == "7200s"
    assert (found["runner"]["capacity"], found["runner"]["labels"]) == (4, ["shell:host"])
    assert found["cache"] == {"enabled": False}


def test_a_runner_that_is_registered_does_not_register_again(worker: Worker) -> None:
    runner.prepare(worker)
    worker.token_file.unlink()
    runner.prepare(worker)
    assert len(calls(worker.program)) == 1


def test_a_runner_of_another_forge_registers_anew(worker: Worker) -> None:
    runner.prepare(worker)
    moved = Worker(worker.program, worker.state, "http://127.0.0.1:9090", worker.token_file, "config", 4, ("shell",), 1)
    runner.prepare(moved)
    assert json.loads(moved.registration.read_text())["address"] == "http://127.0.0.1:9090"


def test_without_a_token_it_waits_for_one(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    worker.token_file.unlink()
    with pytest.raises(UsageError, match="not there yet"):
        runner.prepare(worker)
    options = ["--runner", str(worker.program), "--state", str(worker.state), "--forge", FORGE]
    assert runner.main([*options, "--token-file", str(worker.token_file)]) == 1
    assert "./run local" in capsys.readouterr().err


def test_a_token_that_the_forge_refuses_is_put_away_so_that_another_is_brought(worker: Worker) -> None:
    worker.token_file.write_text("old")
    with pytest.raises(CommandError):
        runner.prepare(worker)
    assert not worker.token_file.exists()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_both_signals_let_its_jobs_end(worker: Worker, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "harness.controlplane.gitea.runner", "--runner", str(worker.program)]
    command += ["--state", str(worker.state), "--forge", FORGE, "--token-file", str(worker.token_file)]
    child = subprocess.Popen([*command, "--ca", "/etc/ssl/some.crt", "--stop-grace", "7200"])
    running = worker.program.with_name("running")
    wait_until(running.exists, Deadline(20), "it runs")
    child.send_signal(number)
    assert child.wait(20) == 0
    assert worker.program.with_name("ended").read_text() == "SIGTERM"
