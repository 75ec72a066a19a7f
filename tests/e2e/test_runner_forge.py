"""The real runner against the real forge, with real git: what a person sees of a workflow, come what may."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.embedded.forge import server
from harness.embedded.forge.services import jobs
from harness.kit.clock import Deadline, wait_until
from tests.contract.forge.client import Client, git, working_copy
from tests.contract.forge.target import Target

ROOT = Path(__file__).parents[2]
_CLONE = (
    'git -c "http.extraHeader=Authorization: token $GITHUB_TOKEN" clone -q '
    "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY.git . && git checkout -q $GITHUB_SHA"
)


def _workflow(*lines: str, on: str = "push") -> dict[str, str]:
    return {".gitea/workflows/ci.yml": "\n".join([f"on: {on}", "jobs:", *(f"  {line}" for line in lines), ""])}


def _job(name: str, *steps: str, **keys: str) -> list[str]:
    """The lines of a job whose steps are commands or whole steps (which begin with ``-``)."""
    head = [f"{name}:", "  runs-on: shell", *(f"  {key.replace('_', '-')}: {value}" for key, value in keys.items())]
    found = [*head, "  steps:"]
    for step in steps:
        found += [f"    {step}" if step.startswith("- ") else f"    - run: {json.dumps(step)}"]
    return found


@dataclass
class World:
    """A forge that can be away, and a runner that can be killed."""

    path: Path
    forge: server.Served = field(init=False)
    client: Client = field(init=False)
    runner: subprocess.Popen[bytes] | None = None
    port: int = 0
    _serving: AbstractContextManager[server.Served] | None = None

    def start_forge(self) -> None:
        self._serving = server.serve(self.path / "forge", port=self.port, pages=False)
        self.forge = self._serving.__enter__()
        self.port = self.forge.port
        target = Target(self.forge.url, self.forge.admin, self.forge.password.reveal(), self.forge)
        self.client = Client.admin(target)

    def stop_forge(self) -> None:
        if self._serving is not None:
            self._serving.__exit__(None, None, None)
            self._serving = None

    def start_runner(self, *options: str) -> None:
        token = self.path / "token"
        token.write_text(jobs.registration_token(self.forge.forge))
        argv = [sys.executable, "-m", "harness.embedded.runner", "--state", str(self.state), "--forge", self.forge.url]
        argv += ["--token-file", str(token), "--name", "bench", "--kill-grace", "1", *options]
        with (self.path / "runner.log").open("ab") as log:
            self.runner = subprocess.Popen(argv, cwd=ROOT, stdout=log, stderr=log)

    @property
    def state(self) -> Path:
        return self.path / "runner"

    def stop_runner(self) -> int:
        assert self.runner is not None
        self.runner.terminate()
        return self.runner.wait(30)

    def push(self, files: dict[str, str], name: str = "main/app") -> str:
        """Make the repository with these files; the commit."""
        self.client.repository(name)
        work = working_copy(self.path / name.replace("/", "-"), files)
        git(work, "push", "-q", self.client.url(name), "main")
        return git(work, "rev-parse", "HEAD").stdout.strip()

    def run(self, name: str = "main/app") -> dict[str, Any]:
        """The newest run."""
        found: dict[str, Any] = self.client.api("GET", f"/repos/{name}/actions/runs")["workflow_runs"][0]
        return found

    def jobs(self, name: str = "main/app") -> dict[str, dict[str, Any]]:
        found = self.client.api("GET", f"/repos/{name}/actions/runs/{self.run(name)['id']}/jobs")["jobs"]
        return {one["name"]: one for one in found}

    def log(self, job: str, name: str = "main/app") -> list[str]:
        """The lines of a job's log, without their times."""
        path = f"/api/v1/repos/{name}/actions/jobs/{self.jobs(name)[job]['id']}/logs"
        status, found = self.client.ask("GET", path)
        return [line.partition(" ")[2] for line in str(found or "").splitlines()] if status == 200 else []

    def wait_for(self, line: str, job: str = "one") -> None:
        wait_until(lambda: line in self.log(job), Deadline(30), f"{line} in the log")

    def end(self, name: str = "main/app", seconds: float = 40) -> dict[str, Any]:
        """The newest run, when it has ended."""
        wait_until(lambda: self.run(name)["status"] == "completed", Deadline(seconds), f"the run of {name}")
        return self.run(name)

    def close(self) -> None:
        if self.runner is not None and self.runner.poll() is None:
            self.runner.kill()
            self.runner.wait(10)
        self.stop_forge()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.start_forge()
    made.start_runner()
    yield made
    made.close()


def _gone(pid: int) -> Callable[[], bool]:
    return lambda: not Path(f"/proc/{pid}").exists()


def _pid(world: World, job: str = "one") -> int:
    """What a job printed as ``pid N``."""
    found = wait_until(
        lambda: [match for line in world.log(job) if (match := re.fullmatch(r"pid (\d+)", line))],
        Deadline(30),
        "a line with a pid",
    )
    return int(found[-1][1])


def test_two_jobs_one_after_the_other_with_the_files_of_the_commit(world: World) -> None:
    sha = world.push(
        {
            **_workflow(
                *_job("build", _CLONE, "cat greeting; git rev-parse HEAD", "echo $GITHUB_REF_NAME"),
                *_job("deploy", "echo deployed", needs="build"),
            ),
            "greeting": "hello\n",
        }
    )
    assert world.end()["conclusion"] == "success"
    assert world.log("build") == ["hello", sha, "main"]
    assert world.log("deploy") == ["deployed"]
    steps = world.jobs()["build"]["steps"]
    assert [one["conclusion"] for one in steps] == ["success"] * 3
    assert list((world.state / "work").iterdir()) == []
    assert oct((world.state / "runner.json").stat().st_mode & 0o777) == "0o600"


def test_log_is_live(world: World) -> None:
    world.push(_workflow(*_job("one", "date +%s.%N; read -t 20 < <(sleep 20) || true")))
    log = world.path / "forge" / "logs"
    wait_until(lambda: any(path.read_text() for path in log.glob("*.log")), Deadline(20), "a line", longest_pause=0.01)
    seen = time.time()
    assert seen - float(world.log("one")[0]) < 0.5
    assert world.run()["status"] == "in_progress"


def test_failing_step_fails_the_run_and_tells_the_exit_code(world: World) -> None:
    world.push(
        _workflow(
            *_job("one", "exit 7", "echo not this", "- {run: echo clean, if: failure()}"),
            *_job("two", "echo no", needs="one"),
        )
    )
    assert world.end()["conclusion"] == "failure"
    assert world.log("one") == ["Error: exit code 7", "clean"]
    assert [one["conclusion"] for one in world.jobs()["one"]["steps"]] == ["failure", "skipped", "success"]
    assert world.jobs()["two"]["conclusion"] == "skipped"


def test_secret_is_masked_however_it_is_printed(world: World) -> None:
    world.client.repository("main/app")
    world.client.api("PUT", "/repos/main/app/actions/secrets/KEY", {"data": "hunter2-hunter2"})
    work = working_copy(
        world.path / "app",
        _workflow(
            *_job(
                "one",
                "- {run: 'echo $KEY; echo -n x$KEY | base64; echo $GITHUB_TOKEN', env: {KEY: '${{ secrets.KEY }}'}}",
            )
        ),
    )
    git(work, "push", "-q", world.client.url("main/app"), "main")
    assert world.end()["conclusion"] == "success"
    first, second, third = world.log("one")
    assert (first, third) == ("***", "***")
    assert "***" in second
    assert "dW50ZXIyLWh1bnRlcj" not in second


def test_cancel_ends_the_processes_within_seconds(world: World) -> None:
    world.push(_workflow(*_job("one", "echo pid $$; sleep 300", "- {run: echo clean, if: always()}")))
    pid = _pid(world)
    world.client.api("POST", f"/repos/main/app/actions/runs/{world.run()['id']}/cancel")
    assert world.end(seconds=10)["conclusion"] == "cancelled"
    assert _gone(pid)()
    assert "clean" in world.log("one")


def test_time_limit(world: World) -> None:
    world.push(_workflow(*_job("one", "echo pid $$; sleep 300", timeout_minutes="0.02")))
    pid = _pid(world)
    assert world.end()["conclusion"] == "failure"
    assert world.log("one")[-1] == "Error: the time limit of 1.2 s has passed"
    assert _gone(pid)()


def test_job_ends_while_the_forge_is_away_and_its_result_is_told_afterwards(world: World) -> None:
    done = world.path / "done"
    world.push(_workflow(*_job("one", f"echo before; sleep 1; echo after; touch {done}", "echo last")))
    world.wait_for("before")
    world.stop_forge()
    wait_until(done.exists, Deadline(20), "the job has ended")
    world.start_forge()
    assert world.end()["conclusion"] == "success"
    assert world.log("one") == ["before", "after", "last"]
    assert world.jobs()["one"]["run_attempt"] == 1


def test_result_survives_the_runner_too(world: World) -> None:
    done = world.path / "done"
    world.push(_workflow(*_job("one", f"echo before; sleep 1; echo after; touch {done}")))
    world.wait_for("before")
    world.stop_forge()
    wait_until(done.exists, Deadline(20), "the job has ended")
    wait_until(lambda: '"success"' in _state(world), Deadline(20), "its result is on disk")
    assert world.runner is not None
    world.runner.kill()
    world.runner.wait(10)
    world.start_forge()
    world.start_runner()
    assert world.end()["conclusion"] == "success"
    assert world.log("one") == ["before", "after"]
    assert world.jobs()["one"]["run_attempt"] == 1


def _state(world: World) -> str:
    return "".join(path.read_text() for path in (world.state / "spool").glob("*/state.json"))


@pytest.mark.parametrize("victim", ["guard", "worker"])
def test_killed_runner_leaves_nothing_and_its_job_is_offered_again(world: World, victim: str) -> None:
    escape = "(setsid env -i sleep 300 > /dev/null 2>&1 & echo pid $!)"
    world.push(_workflow(*_job("one", f"if test $GITHUB_RUN_ATTEMPT = 1; then {escape}; sleep 300; fi; echo again")))
    pid = _pid(world)
    assert world.runner is not None
    os.kill(world.runner.pid if victim == "guard" else _child(world.runner.pid), signal.SIGKILL)
    world.runner.wait(10)
    wait_until(_gone(pid), Deadline(10), "the job's process has ended")
    world.start_runner()
    assert world.end()["conclusion"] == "success"
    assert world.log("one") == ["again"]
    assert world.jobs()["one"]["run_attempt"] == 2
    assert list((world.state / "work").iterdir()) == []


def _child(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def test_stopped_runner_lets_a_job_end(world: World) -> None:
    world.push(_workflow(*_job("one", "echo started; sleep 1; echo done")))
    world.wait_for("started")
    assert world.stop_runner() == 0
    assert world.end()["conclusion"] == "success"
    assert world.log("one") == ["started", "done"]


def test_runner_told_to_end_after_its_jobs_gives_them_all_the_time(world: World) -> None:
    world.stop_runner()
    world.start_runner("--stop-grace", "0.1")
    world.push(_workflow(*_job("one", "echo started; sleep 1; echo done")))
    world.wait_for("started")
    assert world.runner is not None
    world.runner.send_signal(signal.SIGHUP)
    assert world.runner.wait(20) == 0
    assert world.end()["conclusion"] == "success"


def test_stopped_runner_gives_back_a_job_that_takes_too_long(world: World) -> None:
    world.stop_runner()
    world.start_runner("--stop-grace", "0.5")
    world.push(_workflow(*_job("one", "if test $GITHUB_RUN_ATTEMPT = 1; then echo started; sleep 300; fi")))
    world.wait_for("started")
    assert world.stop_runner() == 0
    assert world.run()["status"] != "completed"
    assert world.log("one")[-1] == "interrupted: its runner was stopped; offered again"
    world.start_runner()
    assert world.end()["conclusion"] == "success"


def test_workflow_that_is_not_supported_is_refused_with_file_and_line(world: World) -> None:
    world.push(_workflow(*_job("one", "- uses: actions/checkout@v4")))
    assert world.end()["conclusion"] == "failure"
    [log] = [world.log(name) for name in world.jobs()]
    assert log[0].startswith(".gitea/workflows/ci.yml:6: 'uses' is not supported")


def test_one_job_of_a_repository_at_a_time_and_several_repositories_at_once(world: World) -> None:
    slow = "echo $(date +%s.%N); sleep 1; echo $(date +%s.%N)"
    world.push(_workflow(*_job("one", slow), *_job("two", slow)), "main/app")
    world.push(_workflow(*_job("one", slow)), "main/other")
    world.end("main/app")
    world.end("main/other")
    first, second = sorted((_times(world, "one"), _times(world, "two")), key=lambda one: one[0])
    other = _times(world, "one", "main/other")
    assert first[1] <= second[0]
    assert other[0] < second[1]
    assert other[1] > first[0]


def _times(world: World, job: str, name: str = "main/app") -> tuple[float, float]:
    start, end = world.log(job, name)
    return float(start), float(end)


def test_wrong_registration_token_is_said(world: World) -> None:
    world.stop_runner()
    token = world.path / "wrong"
    token.write_text("nothing\n")
    argv = [sys.executable, "-m", "harness.embedded.runner", "--state", str(world.path / "other")]
    argv += ["--forge", world.forge.url, "--token-file", str(token)]
    log = world.path / "other.log"
    with log.open("wb") as stream, subprocess.Popen(argv, cwd=ROOT, stdout=stream, stderr=stream) as runner:
        wait_until(lambda: "the registration token is wrong" in log.read_text(), Deadline(10), "a word about it")
        runner.terminate()
        assert runner.wait(10) == 0


def test_second_runner_over_the_same_state_is_refused(world: World) -> None:
    wait_until((world.state / "runner.json").exists, Deadline(10), "the runner has registered")
    argv = [sys.executable, "-m", "harness.embedded.runner", "--state", str(world.state), "--forge", world.forge.url]
    argv += ["--token-file", str(world.path / "token"), "--lock-wait", "0.2"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert f"another runner uses {world.state}" in done.stderr


def test_runner_that_cannot_write_fails_the_job_with_a_word(world: World) -> None:
    wait_until((world.state / "runner.json").exists, Deadline(10), "the runner has registered")
    (world.state / "spool").rmdir()
    (world.state / "spool").write_text("no directory any more")
    world.push(_workflow(*_job("one", "echo x")))
    assert world.end()["conclusion"] == "failure"
    assert world.log("one")[0].startswith("Error: the runner cannot write: ")


def test_forge_that_has_forgotten_the_runner_gets_to_know_it_again(world: World) -> None:
    wait_until((world.state / "runner.json").exists, Deadline(10), "the runner has registered")
    world.stop_forge()
    shutil.rmtree(world.path / "forge")
    world.start_forge()
    (world.path / "token").write_text(jobs.registration_token(world.forge.forge))
    world.push(_workflow(*_job("one", "echo hello")))
    assert world.end()["conclusion"] == "success"
    assert world.log("one") == ["hello"]


def test_runner_is_small(world: World) -> None:
    world.push(_workflow(*_job("one", "seq 100000")))
    world.end()
    assert world.runner is not None
    shares = [_share(pid) for pid in (world.runner.pid, _child(world.runner.pid))]
    assert sum(shares) < 50 * 1024
    assert len(world.log("one")) == 100000


def _share(pid: int) -> int:
    """Memory in KiB, what several processes share counted in parts (proc(5), ``smaps_rollup``)."""
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])
