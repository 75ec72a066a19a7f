"""A job runs as Actions would run it: real shells, one after the other, nothing left behind."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.embedded.runner import environment, processes
from harness.embedded.runner.environment import Host
from harness.embedded.runner.halt import Halt, Level
from harness.embedded.runner.job import JobRun, Limits
from harness.embedded.runner.protocol import Conclusion, ProtocolError, read_task
from harness.embedded.runner.spool import End, Log, TaskSpool
from harness.embedded.runner.workspace import Workspace
from harness.kit.clock import Deadline, wait_until

_ALWAYS = {"success": True, "failure": True, "cancelled": True}
_ON_FAILURE = {"success": False, "failure": True, "cancelled": False}
_EVENT = {"after": "0123abcd"}


def step(run: str, **more: Any) -> dict[str, Any]:
    """A step as the forge sends it."""
    return {
        "number": 0,
        "name": "a step",
        "run": run,
        "env": {},
        "working_directory": "",
        "shell": "bash",
        "timeout_minutes": None,
        "continue_on_error": False,
        "runs_after": {"success": True, "failure": False, "cancelled": False},
        **more,
    }


def job(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A job as the forge sends it."""
    return {
        "id": 1,
        "attempt": 1,
        "name": "build",
        "repository": "main/broker",
        "server_url": "https://forge.test",
        "ref": "refs/heads/main",
        "event_name": "push",
        "event": _EVENT,
        "token": "job-token-123",
        "masks": ["hunter2!"],
        "env": {"CI": "true", "GITHUB_REPOSITORY": "main/broker", "GITHUB_TOKEN": "job-token-123"},
        "timeout_minutes": 360,
        "steps": [{**one, "number": number} for number, one in enumerate(steps)],
        **more,
    }


@dataclass
class Ran:
    """What the forge would hear, and how it went."""

    conclusion: Conclusion
    log: list[str]
    conclusions: list[str | None]


@dataclass
class Bench:
    """Runs jobs of a few steps."""

    path: Path
    halt: Halt = field(default_factory=Halt)
    limits: Limits = field(default_factory=lambda: Limits(grace=0.3, cleanup=5))
    environ: dict[str, str] = field(default_factory=lambda: {"PATH": os.environ["PATH"]})
    mark: str = field(default_factory=lambda: f"test-{os.getpid()}-{time.monotonic_ns()}")
    spool: TaskSpool = field(init=False)

    def __post_init__(self) -> None:
        self.spool = TaskSpool(self.path / "1-1")

    def run(self, *steps: dict[str, Any], **more: Any) -> Ran:
        workspace = Workspace(self.path / "work")
        self.spool.begin(self.mark)
        task = read_task(job(*steps, **more))
        try:
            run = JobRun(
                task,
                host=Host("bench", self.environ),
                workspace=workspace,
                spool=self.spool,
                halt=self.halt,
                limits=self.limits,
            )
            conclusion = run.run()
        finally:
            workspace.remove()
        return self._ran(conclusion)

    def _ran(self, conclusion: Conclusion) -> Ran:
        log: list[str] = []
        steps: dict[int, str | None] = {}
        while (message := self.spool.next()) and not isinstance(message, End):
            if isinstance(message, Log):
                log += message.lines
            else:
                steps[message.number] = message.conclusion
            self.spool.told(message)
        assert message == End(conclusion)
        return Ran(conclusion, log, [steps[number] for number in sorted(steps)])

    def ask_when(self, line: str, level: Level) -> None:
        """Ask to halt as soon as the log has ``line``."""

        def work() -> None:
            log = self.spool.directory / "records"
            wait_until(lambda: line in log.read_text(), Deadline(20), "the line", first_pause=0.01, longest_pause=0.02)
            self.halt.ask(level)

        threading.Thread(target=work, daemon=True).start()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    assert processes.marked(made.mark) == []
    assert not (tmp_path / "work").exists()


def test_steps_see_the_names_that_actions_promises(bench: Bench) -> None:
    script = (
        'echo "$CI $GITHUB_REPOSITORY $GITEA_REPOSITORY $RUNNER_OS $RUNNER_NAME $A $B"\n'
        'test "$PWD" = "$GITHUB_WORKSPACE"; stat -c %a "$PWD"; cat "$GITHUB_EVENT_PATH"'
    )
    ran = bench.run(step(script, env={"A": "own"}), env={"CI": "true", "GITHUB_REPOSITORY": "x/y", "A": "1", "B": "2"})
    assert ran.conclusion is Conclusion.SUCCESS
    assert ran.log == ["true x/y x/y Linux bench own 2", "700", json.dumps(_EVENT)]


def test_environment_and_search_path_pass_from_step_to_step(bench: Bench) -> None:
    ran = bench.run(
        step('printf "A=1\nB<<END\nx\ny\nEND\n" >> "$GITHUB_ENV"; mkdir bin; printf "echo found" > bin/tool'),
        step('chmod +x bin/tool; echo "$PWD/bin" >> "$GITHUB_PATH"; echo x=1 >> "$GITHUB_OUTPUT"'),
        step('echo "$A $B"; tool'),
    )
    assert ran.log == ["1 x", "y", "found"]


def test_failure_skips_what_follows_except_what_asks_for_it(bench: Bench) -> None:
    ran = bench.run(
        step("false | true; echo not reached"),
        step("echo skipped"),
        step("echo failed", runs_after=_ON_FAILURE),
        step("echo always", runs_after=_ALWAYS),
    )
    assert ran.conclusion is Conclusion.FAILURE
    assert ran.conclusions == ["failure", "skipped", "success", "success"]
    assert ran.log == ["Error: exit code 1", "failed", "always"]


def test_step_that_may_fail_lets_the_job_go_on(bench: Bench) -> None:
    ran = bench.run(step("exit 3", continue_on_error=True), step("echo on"))
    assert (ran.conclusion, ran.log) == (Conclusion.SUCCESS, ["Error: exit code 3", "on"])


def test_working_directory_and_shell(bench: Bench) -> None:
    ran = bench.run(
        step("mkdir -p a/b"),
        step('basename "$PWD"; readlink /proc/$$/exe', working_directory="a/b", shell="sh"),
    )
    assert ran.log[0] == "b"
    assert "bash" not in ran.log[1]


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (step("true", working_directory="missing"), "working-directory: missing is not there"),
        (step("true", shell="fish"), "shell: fish is not one of bash, sh"),
        (step('echo "not a pair" >> "$GITHUB_ENV"'), "neither NAME=value nor NAME<<END"),
        (step('echo "A<<END" >> "$GITHUB_ENV"'), "'END' is missing at the end"),
    ],
)
def test_step_that_cannot_run_fails_with_the_reason(bench: Bench, one: dict[str, Any], words: str) -> None:
    ran = bench.run(one)
    assert (ran.conclusion, ran.conclusions) == (Conclusion.FAILURE, ["failure"])
    assert words in ran.log[-1]


def test_secrets_and_the_job_token_are_masked(bench: Bench) -> None:
    ran = bench.run(step('echo "k=hunter2! t=$GITHUB_TOKEN"; echo "hunter2!" >&2'))
    assert ran.log == ["k=*** t=***", "***"]
    assert "hunter2" not in (bench.spool.directory / "records").read_text()


def test_runner_keeps_what_is_private_to_it(bench: Bench) -> None:
    bench.environ |= {"GITHUB_SHA": "outer", "NOTIFY_SOCKET": "/run/x", "HTTP_PROXY": "http://proxy"}
    ran = bench.run(step('env | grep -E "NOTIFY_SOCKET|outer|HTTP_PROXY"'))
    assert ran.log == ["HTTP_PROXY=http://proxy"]


def test_authority_of_the_forge_is_trusted_by_git_for_the_forge_alone(bench: Bench) -> None:
    workspace = Workspace(bench.path / "work")
    found = environment.variables(read_task(job()), Host("bench", {}, Path("/etc/ca.pem")), workspace, "mark")
    workspace.remove()
    expected = ("http.https://forge.test/.sslCAInfo", "/etc/ca.pem")
    assert (found["GIT_CONFIG_KEY_0"], found["GIT_CONFIG_VALUE_0"]) == expected


def test_time_limit_of_a_step_ends_it_and_what_it_started(bench: Bench) -> None:
    ran = bench.run(step("sleep 60 & setsid sleep 60 & sleep 60", timeout_minutes=0.005))
    assert ran.conclusion is Conclusion.FAILURE
    assert ran.log == ["Error: the time limit of 0.3 s has passed"]


def test_time_limit_of_the_job_ends_everything(bench: Bench) -> None:
    ran = bench.run(step("sleep 60"), step("echo no", runs_after=_ALWAYS), timeout_minutes=0.005)
    assert (ran.conclusion, ran.conclusions) == (Conclusion.FAILURE, ["failure", "skipped"])


def test_step_that_ignores_sigterm_is_killed_after_its_grace(bench: Bench, tmp_path: Path) -> None:
    late = tmp_path / "late"
    ran = bench.run(step(f'trap "" TERM; sleep 20; touch {late}', timeout_minutes=0.005))
    assert ran.conclusion is Conclusion.FAILURE
    assert not late.exists()


def test_step_may_end_in_order_on_sigterm(bench: Bench) -> None:
    bench.limits = Limits(grace=20)
    bench.ask_when("started", Level.CANCEL)
    ran = bench.run(step('trap "echo put away; exit 1" TERM; echo started; sleep 60 & wait'))
    assert (ran.conclusion, ran.log) == (Conclusion.CANCELLED, ["started", "put away", "cancelled"])


def test_background_process_does_not_hold_up_the_step(bench: Bench) -> None:
    ran = bench.run(step("sleep 60 & echo done"))
    assert (ran.conclusion, ran.log) == (Conclusion.SUCCESS, ["done"])


def test_cancel_ends_the_step_and_lets_cleaning_up_happen(bench: Bench) -> None:
    bench.ask_when("started", Level.CANCEL)
    ran = bench.run(step("echo started; sleep 60"), step("echo not this"), step("echo clean", runs_after=_ALWAYS))
    assert (ran.conclusion, ran.conclusions) == (Conclusion.CANCELLED, ["cancelled", "skipped", "success"])
    assert ran.log == ["started", "cancelled", "clean"]


def test_interruption_ends_everything(bench: Bench) -> None:
    bench.ask_when("started", Level.INTERRUPT)
    ran = bench.run(step("echo started; sleep 60"), step("echo clean", runs_after=_ALWAYS))
    assert (ran.conclusion, ran.conclusions) == (Conclusion.INTERRUPTED, ["cancelled", "skipped"])


def test_wish_that_comes_after_the_last_step_changes_nothing(bench: Bench) -> None:
    end = bench.spool.end_step

    def ask_at_the_end(number: int, conclusion: Conclusion) -> None:
        end(number, conclusion)
        bench.halt.ask(Level.INTERRUPT)

    bench.spool.end_step = ask_at_the_end  # type: ignore[method-assign]
    assert bench.run(step("true")).conclusion is Conclusion.SUCCESS


def test_files_that_nobody_may_write_are_removed_too(bench: Bench) -> None:
    ran = bench.run(step("mkdir -p a/b; touch a/b/c; chmod 500 a/b a; ln -s /etc/passwd link"))
    assert ran.conclusion is Conclusion.SUCCESS
    assert Path("/etc/passwd").exists()


@pytest.mark.parametrize(
    "raw", [{}, job(steps="no"), job(steps=[{"uses": "actions/checkout"}]), job(timeout_minutes="x"), job(env=[])]
)
def test_what_is_not_a_job_is_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        read_task(raw)


@pytest.mark.parametrize(
    ("event", "key"),
    [
        ({}, "main/broker"),
        ({"event_name": "workflow_dispatch"}, "main/broker"),
        ({"event_name": "pull_request_target", "event": {"number": 3}}, "main/broker pull 3"),
    ],
)
def test_jobs_of_a_repository_run_one_at_a_time_and_checks_of_pull_requests_beside(
    event: dict[str, Any], key: str
) -> None:
    assert read_task(job(**event)).concurrency == key
