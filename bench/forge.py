"""Forge and runner as daemons: their memory together, and 50 clones of a monorepo with submodules at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from bench.measure import Figure
from harness.kit.clock import Deadline, wait_until

CLONES, PARTS, FILES = 50, 4, 200
_KIB_PER_MIB = 1024
_PATIENCE = 60.0


def measure(directory: Path) -> Iterator[Figure]:
    """Memory before, during (the peak of both) and after the clones; the clones' time and how many failed."""
    with ExitStack() as stack:
        state = directory / "forge"
        forge = stack.enter_context(_daemon("forge", "--state", str(state), "--listen", "127.0.0.1:0"))
        ready = wait_until(lambda: _ready(state), Deadline(_PATIENCE), "the forge is ready")
        client = _Client(ready["url"], (state / "admin.password").read_text().strip())
        token = directory / "token"
        token.write_text(client.api("post", "/admin/actions/runners/registration-token")["token"])
        options = ("--state", str(directory / "runner"), "--forge", client.url, "--token-file", str(token))
        runner = stack.enter_context(_daemon("runner", *options))
        wait_until(lambda: client.api("get", "/admin/actions/runners")["runners"], Deadline(_PATIENCE), "it registers")
        pids = [forge.pid, runner.pid]
        yield Figure("forge and runner at rest", _memory(pids, "VmRSS"), "MB", limit=200.0)
        _seed(client, directory)
        begun = time.perf_counter()
        failed = _clone_all(client, directory)
        took = time.perf_counter() - begun
        note = f"{CLONES} at once, each with {PARTS} submodules; recursive, half of them shallow"
        yield Figure("clones that failed", failed, "", limit=0.0, note=note)
        yield Figure(f"{CLONES} clones", took, "s")
        yield Figure("forge and runner after the clones", _memory(pids, "VmRSS"), "MB", limit=200.0)
        yield Figure("forge and runner, peaks", _memory(pids, "VmHWM"), "MB", note="both peaks added")


def _ready(state: Path) -> dict[str, str]:
    file = state / "forge.json"
    return dict(json.loads(file.read_text())) if file.exists() else {}


@contextmanager
def _daemon(name: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """One of the embedded programs, ended in order."""
    argv = [sys.executable, "-m", f"harness.embedded.{name}", *options]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(_PATIENCE)


def _memory(pids: list[int], field: str) -> float:
    """What the processes hold together, in MiB; git processes of single requests come and go beside them."""
    found = 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        found += int(next(line for line in lines if line.startswith(field)).split()[1])
    return found / _KIB_PER_MIB


class _Client:
    """The administrator."""

    def __init__(self, url: str, password: str) -> None:
        self.url, self._password = url, password

    def api(self, method: str, path: str, **body: object) -> dict[str, str]:
        """One request that must succeed."""
        sent = body or None
        answer = requests.request(
            method, f"{self.url}/api/v1{path}", json=sent, auth=("root", self._password), timeout=_PATIENCE
        )
        answer.raise_for_status()
        found: dict[str, str] = answer.json() if answer.content else {}
        return found

    def remote(self, name: str) -> str:
        """What git is told."""
        return f"{self.url.replace('//', f'//root:{self._password}@')}/main/{name}.git"


def _git(where: Path, *argv: str) -> bool:
    """Run git as a person without configuration; whether it succeeded."""
    who = {"GIT_AUTHOR_NAME": "b", "GIT_AUTHOR_EMAIL": "b@example.com"}
    who |= {key.replace("AUTHOR", "COMMITTER"): value for key, value in who.items()}
    env = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
    return subprocess.run(["git", *argv], cwd=where, env=env, capture_output=True, check=False).returncode == 0


def _seed(client: _Client, directory: Path) -> None:
    """``main/config`` with ``PARTS`` repositories as its submodules."""
    client.api("post", "/orgs", username="main")
    names = [f"part{number}" for number in range(PARTS)]
    for name in [*names, "config"]:
        client.api("post", "/orgs/main/repos", name=name)
        where = directory / "work" / name
        where.mkdir(parents=True)
        _git(where, "init", "-q", "-b", "main")
        for number in range(FILES):
            (where / f"file{number}").write_text(f"{name} {number}\n" * 50)
        for part in names if name == "config" else []:
            _git(where, "submodule", "--quiet", "add", client.remote(part), f"libs/{part}")
        _git(where, "add", "-A")
        _git(where, "commit", "-qm", "all of it")
        if not _git(where, "push", "-q", client.remote(name), "main"):
            raise RuntimeError(f"{name} could not be pushed")


def _clone_all(client: _Client, directory: Path) -> int:
    """How many of the clones failed."""

    def clone(number: int) -> bool:
        where = directory / "clones" / str(number)
        deep = ["--depth", "1"] if number % 2 else []
        cloned = _git(directory, "clone", "-q", "--recurse-submodules", *deep, client.remote("config"), str(where))
        return cloned and all((where / f"libs/part{part}/file0").is_file() for part in range(PARTS))

    with ThreadPoolExecutor(CLONES) as pool:
        return sum(not whole for whole in pool.map(clone, range(CLONES)))
