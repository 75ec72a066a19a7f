"""Workflows from the event to the log: what runs, what is refused, what a runner is told."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from harness.embedded.forge import scheduler, server
from harness.embedded.forge.services import jobs
from harness.kit.clock import Deadline, wait_until
from tests.contract.forge.client import Client, commit, git, working_copy
from tests.contract.forge.mini_runner import MiniRunner, ask
from tests.contract.forge.target import Target

_STEAL = "on: [push, pull_request]\njobs:\n  x:\n    runs-on: host\n    steps:\n      - run: echo ${{ secrets.KEY }}\n"


def _workflow(body: str) -> dict[str, str]:
    return {".gitea/workflows/ci.yml": body}


@pytest.fixture
def client(target: Target, embedded: server.Served) -> Client:
    made = Client.admin(target)
    made.repository("main/app")
    return made


def _push(client: Client, tmp_path: Path, body: str) -> Path:
    work = working_copy(tmp_path / "work", _workflow(body))
    git(work, "push", "-q", client.url("main/app"), "main")
    return work


def _finished(client: Client, count: int = 1, name: str = "main/app") -> list[dict[str, Any]]:
    def ended() -> list[dict[str, Any]]:
        found = client.api("GET", f"/repos/{name}/actions/runs")["workflow_runs"]
        return found if len(found) >= count and all(run["status"] == "completed" for run in found) else []

    return wait_until(ended, Deadline(20), f"{count} runs have ended")


def _log(client: Client, run: dict[str, Any], number: int = 0, name: str = "main/app") -> str:
    found = client.api("GET", f"/repos/{name}/actions/runs/{run['id']}/jobs")["jobs"]
    return str(client.api("GET", f"/repos/{name}/actions/jobs/{found[number]['id']}/logs"))


def _conclusions(client: Client, run: dict[str, Any]) -> dict[str, str]:
    found = client.api("GET", f"/repos/main/app/actions/runs/{run['id']}/jobs")["jobs"]
    return {job["name"]: job["conclusion"] for job in found}


def test_expressions_variables_and_secrets_reach_the_steps_and_secrets_not_the_log(
    client: Client, runner: MiniRunner, tmp_path: Path
) -> None:
    client.api("POST", "/repos/main/app/actions/variables/WHO", {"value": "broker"})
    client.api("PUT", "/repos/main/app/actions/secrets/KEY", {"data": "hunter2-hunter2"})
    _push(
        client,
        tmp_path,
        "on: push\nenv:\n  KEY: ${{ secrets.KEY }}\njobs:\n  one:\n    runs-on: host\n    steps:\n"
        "      - run: |\n          echo ${{ vars.WHO }} ${{ github.ref_name }} $GITHUB_REPOSITORY\n"
        "          echo $KEY\n",
    )

    run = _finished(client)[0]

    assert run["conclusion"] == "success"
    log = _log(client, run)
    assert "broker main main/app" in log
    assert "hunter2" not in log
    assert "***" in log


def test_a_failed_job_skips_what_needs_it_but_not_what_always_runs(
    client: Client, runner: MiniRunner, tmp_path: Path
) -> None:
    _push(
        client,
        tmp_path,
        "on: push\njobs:\n  bad:\n    runs-on: host\n    steps:\n      - run: exit 3\n      - if: failure()\n"
        "        run: echo cleaned\n      - run: echo never\n"
        "  after:\n    needs: bad\n    runs-on: host\n    steps:\n      - run: echo x\n"
        "  report:\n    needs: [bad]\n    if: always()\n    runs-on: host\n    steps:\n"
        "      - run: echo was ${{ needs.bad.result }}\n",
    )

    run = _finished(client)[0]

    assert run["conclusion"] == "failure"
    assert _conclusions(client, run) == {"bad": "failure", "after": "skipped", "report": "success"}
    assert "cleaned" in _log(client, run)
    assert "never" not in _log(client, run)
    assert "was failure" in _log(client, run, 2)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("on: push\njobs:\n  x:\n    runs-on: host\n    steps:\n      - uses: a/b@v1\n", "ci.yml:6: 'uses'"),
        ("on: push\njobs:\n  x:\n    runs-on: host\n    strategy: {}\n", "ci.yml:5: 'strategy'"),
        ("on: release\njobs: {}\n", "ci.yml:1: the event 'release'"),
        ("on: push\njobs:\n  x:\n    runs-on: host\n    steps:\n      - run: ${{ steps.a }}\n", "ci.yml:6: 'steps'"),
        ("on: push\njobs: [\n", "ci.yml:3: no YAML"),
    ],
)
def test_what_is_not_supported_fails_and_the_log_says_where(
    client: Client, tmp_path: Path, body: str, words: str
) -> None:
    _push(client, tmp_path, body)

    run = _finished(client)[0]

    assert run["conclusion"] == "failure"
    assert words in _log(client, run)


def _propose_theft(client: Client, tmp_path: Path) -> Path:
    client.api("PUT", "/repos/main/app/actions/secrets/KEY", {"data": "hunter2-hunter2"})
    work = working_copy(tmp_path / "work", {"README.md": "x\n"})
    git(work, "push", "-q", client.url("main/app"), "main")
    git(work, "checkout", "-q", "-b", "evil")
    commit(work, _workflow(_STEAL), "steal")
    git(work, "push", "-q", client.url("main/app"), "evil")
    client.api("POST", "/repos/main/app/pulls", {"head": "evil", "base": "main", "title": "harmless"})
    return work


def test_code_that_nobody_accepted_gets_no_secrets_and_only_a_runner_that_asks_for_it(
    client: Client, embedded: server.Served, tmp_path: Path
) -> None:
    token = jobs.registration_token(embedded.forge)
    with (
        MiniRunner(client.base, token, "sandbox", ["host"], untrusted=True) as other,
        MiniRunner(client.base, token, "careful", ["host"]) as careful,
    ):
        _propose_theft(client, tmp_path)
        runs = _finished(client, 2)

    assert careful.jobs == []
    assert {run["conclusion"] for run in runs} == {"success"}
    assert "hunter2" not in str(other.jobs)
    assert all("hunter2" not in _log(client, run) for run in runs)
    assert all(job["trusted"] is False for job in other.jobs)


def test_a_runner_that_asks_while_a_run_begins_changes_nothing_of_what_is_said(
    client: Client, embedded: server.Served, tmp_path: Path
) -> None:
    forge, over = embedded.forge, threading.Event()
    eager, _ = jobs.register(forge, jobs.registration_token(forge), "eager", ["host"], untrusted=False)
    asking = threading.Thread(target=lambda: [jobs.take(forge, eager) for _ in iter(over.is_set, True)])
    work = working_copy(tmp_path / "work", {"README.md": "x\n"})
    git(work, "push", "-q", client.url("main/app"), "main")
    for number in range(20):
        git(work, "checkout", "-q", "-b", f"evil{number}")
        commit(work, {**_workflow(_STEAL), "n": str(number)}, f"steal {number}")
    asking.start()
    try:
        git(work, "push", "-q", "--all", client.url("main/app"))
        _finished(client, 20)
    finally:
        over.set()
        asking.join()
    for number in range(20):
        sha = git(work, "rev-parse", f"evil{number}").stdout.strip()
        newest = client.api("GET", f"/repos/main/app/commits/{sha}/statuses")[0]
        assert newest["description"].startswith("refused: ci.yml"), number


def test_where_no_runner_takes_such_code_its_runs_are_refused_and_say_why(
    client: Client, runner: MiniRunner, embedded: server.Served, tmp_path: Path
) -> None:
    work = _propose_theft(client, tmp_path)
    by_event = {run["event"]: run for run in _finished(client, 2)}

    assert runner.jobs == []
    assert {run["conclusion"] for run in by_event.values()} == {"failure"}
    assert "comes with the pull request, so it is not run before the merge" in _log(client, by_event["pull_request"])
    assert "on no branch that was agreed to" in _log(client, by_event["push"])
    sha = git(work, "rev-parse", "HEAD").stdout.strip()
    statuses = client.api("GET", f"/repos/main/app/commits/{sha}/statuses")
    newest = {one["context"]: one for one in reversed(statuses)}
    assert {one["status"] for one in newest.values()} == {"failure"}
    assert all(one["description"].startswith("refused: ci.yml") for one in newest.values())


def test_jobs_that_need_a_refused_one_do_not_wait_either(client: Client, runner: MiniRunner, tmp_path: Path) -> None:
    work = _push(client, tmp_path, "on: workflow_dispatch\njobs:\n  x: {runs-on: host, steps: [{run: 'true'}]}\n")
    git(work, "checkout", "-q", "-b", "topic")
    job = "{runs-on: host, if: always(), needs: [one], steps: [{run: 'true'}]}"
    body = f"on: push\njobs:\n  one: {{runs-on: host, steps: [{{run: 'true'}}]}}\n  two: {job}\n"
    commit(work, _workflow(body), "two jobs")
    git(work, "push", "-q", client.url("main/app"), "topic")

    run = _finished(client)[0]

    assert _conclusions(client, run) == {"one": "failure", "two": "failure"}
    assert runner.jobs == []


def test_what_people_keep_in_repositories_of_their_own_is_not_run(tmp_path: Path) -> None:
    with server.serve(tmp_path / "forge", pages=False, trusted_owners=("main",)) as served:
        admin = Client.admin(Target(served.url, served.admin, served.password.reveal(), served))
        admin.repository("someone/app")
        with MiniRunner(served.url, jobs.registration_token(served.forge), "r", ["host"]) as runner:
            work = working_copy(tmp_path / "work", _workflow(_STEAL))
            git(work, "push", "-q", admin.url("someone/app"), "main")
            run = _finished(admin, name="someone/app")[0]
        log = _log(admin, run, name="someone/app")

    assert runner.jobs == []
    assert "nothing of someone/app is run here" in log


def test_a_target_run_takes_the_definition_of_the_base(client: Client, runner: MiniRunner, tmp_path: Path) -> None:
    work = _push(
        client,
        tmp_path,
        "on: pull_request_target\njobs:\n  plan:\n    runs-on: host\n    steps:\n"
        "      - run: echo base sees ${{ github.event.pull_request.head.ref }}\n",
    )
    git(work, "checkout", "-q", "-b", "topic")
    commit(work, _workflow("on: pull_request_target\njobs: {}\n"), "sabotage")
    git(work, "push", "-q", client.url("main/app"), "topic")
    client.api("POST", "/repos/main/app/pulls", {"head": "topic", "base": "main", "title": "x"})

    run = _finished(client)[0]

    assert (run["event"], run["conclusion"]) == ("pull_request_target", "success")
    assert "base sees topic" in _log(client, run)
    sha = client.api("GET", "/repos/main/app/pulls/1")["head"]["sha"]
    assert client.api("GET", f"/repos/main/app/commits/{sha}/status")["state"] == "success"


def test_jobs_of_one_group_run_one_after_the_other(client: Client, embedded: server.Served, tmp_path: Path) -> None:
    job = "\n    runs-on: host\n    concurrency: broker\n    steps:\n      - run: echo x\n"
    _push(client, tmp_path, f"on: push\njobs:\n  one:{job}  two:{job}")
    forge = embedded.forge
    held, _ = jobs.register(forge, jobs.registration_token(forge), "r", ["host"], untrusted=False)

    first = jobs.take(forge, held)
    none = jobs.take(forge, held)
    assert first is not None
    jobs.finish(forge, jobs.owned(forge, held, first["id"]), "success")
    second = jobs.take(forge, held)

    assert none is None
    assert second is not None
    assert {first["name"], second["name"]} == {"one", "two"}


def test_a_runner_that_falls_silent_loses_its_job_which_is_offered_again(
    client: Client, embedded: server.Served, tmp_path: Path
) -> None:
    _push(client, tmp_path, "on: push\njobs:\n  one:\n    runs-on: host\n    steps:\n      - run: echo x\n")
    forge = embedded.forge
    lost, secret = jobs.register(forge, jobs.registration_token(forge), "lost", ["host"], untrusted=False)
    job = jobs.take(forge, lost)
    assert job is not None

    scheduler.tick(forge, now=2**31)
    with pytest.raises(Exception, match="409"):
        ask(f"{client.base}/api/runner/v1/jobs/{job['id']}/done", secret, {"conclusion": "success"})
    other, _ = jobs.register(forge, jobs.registration_token(forge), "other", ["host"], untrusted=False)
    again = jobs.take(forge, other)

    assert again is not None
    assert (again["id"], again["attempt"]) == (job["id"], 2)


def test_cancelling_a_run_tells_its_runner_and_ends_what_waits(
    client: Client, embedded: server.Served, tmp_path: Path
) -> None:
    _push(
        client,
        tmp_path,
        "on: push\njobs:\n  one:\n    runs-on: host\n    steps:\n      - run: echo x\n"
        "  two:\n    needs: one\n    runs-on: host\n    steps:\n      - run: echo x\n",
    )
    forge = embedded.forge
    _, secret = jobs.register(forge, jobs.registration_token(forge), "r", ["host"], untrusted=False)
    _, job = ask(f"{client.base}/api/runner/v1/jobs/next", secret, {})
    run = client.api("GET", "/repos/main/app/actions/runs")["workflow_runs"][0]

    client.api("POST", f"/repos/main/app/actions/runs/{run['id']}/cancel")
    _, told = ask(f"{client.base}/api/runner/v1/jobs/{job['id']}/heartbeat", secret, {})
    ask(f"{client.base}/api/runner/v1/jobs/{job['id']}/done", secret, {"conclusion": "cancelled"})

    assert told == {"cancel": True}
    assert _finished(client)[0]["conclusion"] == "cancelled"
    assert _conclusions(client, run) == {"one": "cancelled", "two": "cancelled"}


def test_a_log_sent_twice_is_kept_once(client: Client, embedded: server.Served, tmp_path: Path) -> None:
    _push(client, tmp_path, "on: push\njobs:\n  one:\n    runs-on: host\n    steps:\n      - run: echo x\n")
    forge = embedded.forge
    _, secret = jobs.register(forge, jobs.registration_token(forge), "r", ["host"], untrusted=False)
    _, job = ask(f"{client.base}/api/runner/v1/jobs/next", secret, {})
    where = f"{client.base}/api/runner/v1/jobs/{job['id']}/log"

    ask(where, secret, {"at": 0, "lines": ["one", "two"]})
    _, held = ask(where, secret, {"at": 1, "lines": ["two", "three"]})

    assert held == {"lines": 3, "cancel": False}
    log = str(client.api("GET", f"/repos/main/app/actions/jobs/{job['id']}/logs"))
    assert [line.split(" ", 1)[1] for line in log.splitlines()] == ["one", "two", "three"]


def test_a_job_token_works_for_its_repository_while_the_job_runs(
    client: Client, embedded: server.Served, tmp_path: Path
) -> None:
    client.repository("main/other")
    client.api("PATCH", "/repos/main/other", {"private": True})
    _push(client, tmp_path, "on: push\njobs:\n  one:\n    runs-on: host\n    steps:\n      - run: echo x\n")
    forge = embedded.forge
    held, _ = jobs.register(forge, jobs.registration_token(forge), "r", ["host"], untrusted=False)
    job = jobs.take(forge, held)
    assert job is not None
    bearer = Client(client.base, "x", job["token"])

    status = {"state": "success", "context": "own"}
    made, _ = bearer.ask("POST", f"/api/v1/repos/main/app/statuses/{job['sha']}", status)
    other, _ = bearer.ask("GET", "/api/v1/repos/main/other")
    variables, _ = bearer.ask("GET", "/api/v1/repos/main/app/actions/secrets")
    jobs.finish(forge, jobs.owned(forge, held, job["id"]), "success")
    ended, _ = bearer.ask("GET", "/api/v1/repos/main/app")

    assert (made, other, variables, ended) == (201, 404, 403, 401)
