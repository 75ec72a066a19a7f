"""Git over HTTP: what is refused, what survives, and many at once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.embedded.forge import server
from harness.kit.clock import Deadline, wait_until
from tests.contract.forge.client import Client, commit, git, working_copy
from tests.contract.forge.target import Target


def test_a_protected_branch_takes_no_push_and_does_take_a_merge(target: Target, tmp_path: Path) -> None:
    client = Client.admin(target)
    client.repository("main/app")
    work = working_copy(tmp_path / "work", {"a": "1\n"})
    git(work, "push", "-q", client.url("main/app"), "main", "main:release")
    client.api("POST", "/repos/main/app/branch_protections", {"rule_name": "release", "enable_push": False})
    new = commit(work, {"a": "2\n"}, "second")

    refused = git(work, "push", client.url("main/app"), "main:release", check=False)
    git(work, "push", "-q", client.url("main/app"), "main")
    client.api("POST", "/repos/main/app/pulls", {"head": "main", "base": "release", "title": "release it"})
    merge = "/api/v1/repos/main/app/pulls/1/merge"  # refused as long as a forge has not found out whether it can be
    wait_until(lambda: client.ask("POST", merge, {"Do": "merge"})[0] == 200, Deadline(20), "it is merged")

    assert refused.returncode != 0
    assert "Not allowed to push to protected branch release" in refused.stderr
    tip = client.api("GET", "/repos/main/app/branches/release")["commit"]["id"]
    parents = client.api("GET", f"/repos/main/app/git/commits/{tip}")["parents"]
    assert new in [parent["sha"] for parent in parents]


@pytest.mark.parametrize("ref", ["main:refs/pull/1/head", "main:refs/hidden/x", "main:refs/heads/../../escape"])
@pytest.mark.usefixtures("embedded")
def test_only_branches_and_tags_can_be_pushed(target: Target, tmp_path: Path, ref: str) -> None:
    client = Client.admin(target)
    client.repository("main/app")
    work = working_copy(tmp_path / "work", {"a": "1\n"})
    git(work, "push", "-q", client.url("main/app"), "main")

    assert git(work, "push", client.url("main/app"), ref, check=False).returncode != 0


def test_the_default_branch_cannot_be_deleted(target: Target, tmp_path: Path) -> None:
    client = Client.admin(target)
    client.repository("main/app")
    work = working_copy(tmp_path / "work", {"a": "1\n"})
    git(work, "push", "-q", client.url("main/app"), "main")

    refused = git(work, "push", client.url("main/app"), ":main", check=False)

    assert refused.returncode != 0
    assert "default branch" in refused.stderr


@pytest.mark.parametrize(
    "path",
    [
        "/main/app.git/../../forge.db",
        "/main/app.git/objects/../../../forge.db",
        "/main/app.git/objects/pack/../../config",
        "/main/app.git/config",
        "/main/..%2f..%2fforge.db/info/refs",
        "/main/app/raw/branch/main/..%2f..%2fforge.db",
        "/main/app/raw/branch/..%2fmain/a",
        "/api/v1/repos/main/app/contents/..%2F..%2Fforge.db",
        "/api/v1/repos/main/app/raw/..%2Fconfig",
        "/api/v1/repos/main/app/raw/.git/config",
        "/api/v1/repos/main/app/archive/--output=x.zip",
        "/api/v1/repos/main/app/git/commits/--help",
        "/api/v1/repos/main/app/commits?sha=--output%3Dx",
        "/api/v1/repos/main/app/compare/--no-index...main",
        "/api/v1/repos/main/app/contents/a?ref=main%7E0%3A",
        "/api/v1/repos/main/app/git/trees/main:..",
    ],
)
@pytest.mark.usefixtures("embedded")
def test_no_path_and_no_ref_leaves_the_repository(target: Target, tmp_path: Path, path: str) -> None:
    client = Client.admin(target)
    client.repository("main/app")
    work = working_copy(tmp_path / "work", {"a": "1\n"})
    git(work, "push", "-q", client.url("main/app"), "main")

    status, answer = client.ask("GET", path)

    assert status in {400, 404, 405, 422}, answer
    assert "SQLite" not in str(answer)
    assert "bare = true" not in str(answer)


@pytest.mark.parametrize("name", ["../x", ".git/config", "a/../../x", "/etc/x/..", "a//b", ".GIT/hooks/post-receive"])
@pytest.mark.usefixtures("embedded")
def test_a_file_cannot_be_written_outside_the_tree(target: Target, name: str) -> None:
    client = Client.admin(target)
    client.api("POST", "/orgs", {"username": "main"})
    client.api("POST", "/orgs/main/repos", {"name": "app", "auto_init": True})
    body = {"files": [{"operation": "create", "path": name, "content": "aGk="}], "message": "x"}

    status, _ = client.ask("POST", "/api/v1/repos/main/app/contents", body)

    assert status == 422
    assert [one["name"] for one in client.api("GET", "/repos/main/app/contents")] == ["README.md"]


def test_fifty_clones_at_once_all_succeed(target: Target, tmp_path: Path) -> None:
    client = Client.admin(target)
    client.repository("main/part")
    client.repository("main/config")
    part = working_copy(tmp_path / "part", {"recipe": "x\n" * 500})
    git(part, "push", "-q", client.url("main/part"), "main")
    work = working_copy(tmp_path / "work", {f"files/{number}": "y\n" * 100 for number in range(50)})
    git(work, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", client.url("main/part"), "libs/part")
    commit(work, {}, "part")
    git(work, "push", "-q", client.url("main/config"), "main")

    def clone(number: int) -> bool:
        where = tmp_path / f"clone{number}"
        deep = ["--depth", "1"] if number % 2 else []
        git(tmp_path, "clone", "-q", "--recurse-submodules", *deep, client.url("main/config"), str(where))
        return (where / "libs/part/recipe").is_file() and (where / "files/49").is_file()

    with ThreadPoolExecutor(50) as pool:
        assert all(pool.map(clone, range(50)))


# Killed


def _start(state: Path) -> tuple[subprocess.Popen[bytes], str]:
    argv = [sys.executable, "-m", "harness.embedded.forge", "--state", str(state), "--listen", "127.0.0.1:0"]
    (state / server.READY_FILE).unlink(missing_ok=True)
    process = subprocess.Popen([*argv, "--no-pages"])
    ready = state / server.READY_FILE

    def answers() -> str:
        return str(json.loads(ready.read_text())["url"]) if ready.exists() else ""

    return process, wait_until(answers, Deadline(30), "the forge is ready")


@pytest.mark.skipif("FORGE_URL" in os.environ, reason="a real forge is not killed")
@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.1, 0.2])
def test_a_forge_killed_during_a_push_holds_the_old_or_the_new_head(tmp_path: Path, delay: float) -> None:
    state = tmp_path / "state"
    process, url = _start(state)
    client = Client(url, "root", (state / server.PASSWORD_FILE).read_text().strip())
    client.repository("main/app")
    work = working_copy(tmp_path / "work", {"a": "1\n"})
    git(work, "push", "-q", client.url("main/app"), "main")
    old = git(work, "rev-parse", "HEAD").stdout.strip()
    (work / "large").write_bytes(os.urandom(3_000_000))
    new = commit(work, {"a": "2\n"}, "second")

    with ThreadPoolExecutor(1) as pool:
        pushing = pool.submit(git, work, "push", "-q", client.url("main/app"), "main", check=False)
        with contextlib.suppress(TimeoutError):  # in the middle of it, which is the point
            pushing.result(timeout=delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        pushed = pushing.result(timeout=60).returncode == 0

    process, url = _start(state)
    try:
        client = Client(url, client.name, client.password)
        head = client.api("GET", "/repos/main/app/branches/main")["commit"]["id"]
        assert head in {old, new}
        assert head == new or not pushed
        git(tmp_path, "clone", "-q", client.url("main/app"), str(tmp_path / "clone"))
        assert git(tmp_path / "clone", "fsck", "--strict").returncode == 0
        git(work, "push", "-q", client.url("main/app"), "main")
        assert client.api("GET", "/repos/main/app/branches/main")["commit"]["id"] == new
    finally:
        process.terminate()
        assert process.wait(20) == 0


@pytest.mark.skipif("FORGE_URL" in os.environ, reason="a real forge is not killed")
@pytest.mark.parametrize("delay", [0.01, 0.03, 0.06, 0.1])
def test_a_forge_killed_during_a_merge_has_merged_it_or_can_merge_it_again(tmp_path: Path, delay: float) -> None:
    state = tmp_path / "state"
    process, url = _start(state)
    client = Client(url, "root", (state / server.PASSWORD_FILE).read_text().strip())
    old = _proposed(client, tmp_path / "work")

    with ThreadPoolExecutor(1) as pool:
        merging = pool.submit(client.ask, "POST", "/api/v1/repos/main/app/pulls/1/merge", {"Do": "merge"})
        with contextlib.suppress(TimeoutError):  # in the middle of it, which is the point
            merging.result(timeout=delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        answered = merging.exception(timeout=60) is None

    process, url = _start(state)
    try:
        client = Client(url, client.name, client.password)
        head, merged = _head(client), client.api("GET", "/repos/main/app/pulls/1")["merged"]
        assert merged == (head != old)
        assert merged or not answered
        if not merged:
            client.api("POST", "/repos/main/app/pulls/1/merge", {"Do": "merge"})
        assert client.ask("POST", "/api/v1/repos/main/app/pulls/1/merge", {"Do": "merge"})[0] == 405
        git(tmp_path, "clone", "-q", client.url("main/app"), str(tmp_path / "clone"))
        assert git(tmp_path / "clone", "fsck", "--strict").returncode == 0
        parents = git(tmp_path / "clone", "rev-list", "--parents", "-n", "1", "HEAD").stdout.split()
        assert len(parents) == 3  # merged once
        assert parents[1] == old
    finally:
        process.terminate()
        assert process.wait(20) == 0


def _proposed(client: Client, where: Path) -> str:
    """A pull request of a large commit, found to be mergeable; the head of its base."""
    client.repository("main/app")
    work = working_copy(where, {"a": "1\n"})
    git(work, "push", "-q", client.url("main/app"), "main")
    old = git(work, "rev-parse", "HEAD").stdout.strip()
    git(work, "checkout", "-q", "-b", "topic")
    commit(work, {f"files/{number}": f"{number}\n" for number in range(300)}, "many")
    git(work, "push", "-q", client.url("main/app"), "topic")
    client.api("POST", "/repos/main/app/pulls", {"head": "topic", "base": "main", "title": "t"})
    return old


def _head(client: Client) -> str:
    return str(client.api("GET", "/repos/main/app/branches/main")["commit"]["id"])


def test_push_options_are_taken(target: Target, tmp_path: Path) -> None:
    client = Client.admin(target)
    client.repository("main/app")
    work = working_copy(tmp_path / "work", {"a": "1\n"})

    assert git(work, "push", "-q", "-o", "topic=x", client.url("main/app"), "main").returncode == 0


def test_a_push_that_is_refused_in_part_changes_nothing(target: Target, tmp_path: Path) -> None:
    client = Client.admin(target)
    client.repository("main/app")
    work = working_copy(tmp_path / "work", {"a": "1\n"})
    git(work, "push", "-q", client.url("main/app"), "main")
    commit(work, {"a": "2\n"}, "second")

    refused = git(work, "push", "-q", client.url("main/app"), "main:topic", ":main", check=False)

    assert refused.returncode != 0
    assert [one["name"] for one in client.api("GET", "/repos/main/app/branches")] == ["main"]
