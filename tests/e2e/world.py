"""A repository, a node and state of a test's own: nothing here reaches what belongs to the user."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import docker

from harness.kit import clock

SOURCE = Path(__file__).parents[2]
_PARTS = ("conftest.py", "pyproject.toml", "config.env")
_IGNORED = shutil.ignore_patterns("__pycache__", "config.local.env")
DEPLOY_SECONDS = 600.0
INSTANCE_LABEL = "proxmox-gitops.instance"


def free_port() -> int:
    """A port that nothing has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(probe: Callable[[], Any], seconds: float, what: str) -> Any:
    """What ``probe`` returns once it is true."""
    return clock.wait_until(probe, clock.Deadline(seconds), what)


class World:
    """A copy of the repository with the libraries ``libs``, on an embedded node ``name`` of its own.

    ``third`` is the third octet of the network its containers are declared in, 10.187.<third>.0/24.
    """

    def __init__(self, directory: Path, name: str, third: int, libs: Iterable[str] = ()) -> None:
        self.root = directory / "repository"
        self.name = name
        self.port = free_port()
        self.prefix = f"10.187.{third}"
        self.root.mkdir()
        for part in _PARTS:
            shutil.copy2(SOURCE / part, self.root / part)
        shutil.copytree(SOURCE / "harness", self.root / "harness", ignore=_IGNORED)
        (self.root / "libs").mkdir()
        for lib in ("helpers", *libs):
            shutil.copytree(SOURCE / "libs" / lib, self.root / "libs" / lib, ignore=_IGNORED)
        self._move_network()
        self.settings({"embedded": {"name": name, "port": self.port}})

    def _move_network(self) -> None:
        for path in self.root.rglob("config.env"):
            path.write_text(path.read_text().replace("10.143.0", self.prefix))

    def settings(self, values: Mapping[str, Any]) -> None:
        """Write ``local/config.json``."""
        path = self.root / "local" / "config.json"
        path.parent.mkdir(exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps(values))

    def library(self, name: str, number: int, recipe: str, specs: str, env: str = "") -> Path:
        """A small library of the test's own: VMID 100 + ``number``, address <prefix>.<number>."""
        directory = self.root / "libs" / name
        files = {
            "config.env": f"IP={self.prefix}.{number}\nID={100 + number}\nHOSTNAME={name}\nCORES=1\nMEMORY=256\n"
            f"SWAP=128\nDISK=local-lvm:2\nBOOT=yes\n{env}",
            "recipes/default.rb": recipe,
            f"specs/test_{name}.py": specs,
        }
        for path, text in files.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_text(text)
        return directory

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace text in a file of the repository."""
        file = self.root / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    @property
    def environment(self) -> dict[str, str]:
        """Without any setting of whoever runs the tests."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("GITOPS_", "PYTEST_"))}
        return {**kept, "GITOPS_ROOT": str(self.root), "NO_COLOR": "1", "COLUMNS": "160"}

    def start(self, *words: str, path: str = "") -> subprocess.Popen[str]:
        """``./run`` with these words, not waited for, as the leader of a process group of its own."""
        env = {**self.environment, **({"PATH": f"{path}:{os.environ['PATH']}"} if path else {})}
        return subprocess.Popen(
            [sys.executable, "-m", "harness", *words],
            cwd=self.root,
            env=env,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, *words: str, path: str = "", seconds: float = DEPLOY_SECONDS) -> tuple[int, str]:
        """Exit code and output of ``./run`` with these words."""
        process = self.start(*words, path=path)
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            raise AssertionError(f"{words}: no end within {seconds:g} s\n{output}") from None
        return process.returncode, output

    def succeed(self, *words: str, path: str = "") -> str:
        """The output of a command that must end with 0."""
        code, output = self.run(*words, path=path)
        assert code == 0, f"{words} ended with {code}\n{output}"
        return output

    def plan(self) -> dict[str, dict[str, Any]]:
        """``./run plan --json`` by container name."""
        process = subprocess.run(
            [sys.executable, "-m", "harness", "plan", "--json"],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode in (0, 1, 10), process.stderr
        return {entry["name"]: entry for entry in json.loads(process.stdout)["containers"]}

    def actions(self) -> dict[str, str]:
        """What the plan says of each library, the control plane's own container left out."""
        return {name: entry["action"] for name, entry in self.plan().items() if name != "config"}

    def newest_run(self) -> Path | None:
        """Directory of the newest run that has begun to keep a journal."""
        journals = sorted((self.root / "local/share/embedded/runs").glob("*/journal.jsonl"))
        return journals[-1].parent if journals else None

    def events(self) -> list[dict[str, Any]]:
        """All journal lines of the newest run that are whole."""
        run = self.newest_run()
        if run is None:
            return []
        found = []
        for line in (run / "journal.jsonl").read_text().splitlines():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                continue
        return found

    def containers(self) -> list[Any]:
        """The Docker containers of this node."""
        return list(docker.from_env().containers.list(all=True, filters={"label": f"{INSTANCE_LABEL}={self.name}"}))

    def container(self, vmid: int) -> Any:
        """The Docker container behind one VMID."""
        return next(one for one in self.containers() if one.labels["proxmox-gitops.vmid"] == str(vmid))

    def shell(self, vmid: int, command: str) -> str:
        """Output of a command inside a container, past ssh: what a person with root on the host could do."""
        result = self.container(vmid).exec_run(["sh", "-c", command])
        return str(result.output.decode().strip())

    def remains(self) -> list[str]:
        """Everything in Docker that carries this node's label."""
        client = docker.from_env()
        label = {"label": f"{INSTANCE_LABEL}={self.name}"}
        found = [*client.containers.list(all=True, filters=label), *client.networks.list(filters=label)]
        names = [one.name for one in found] + [one.name for one in client.volumes.list(filters=label)]
        return names + [str(image.tags) for image in client.images.list(all=True, filters=label)]

    def close(self) -> None:
        """Delete the node with all that is on it."""
        self.run("down", "--yes", "--all", seconds=120)
