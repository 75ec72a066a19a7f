"""``python -m harness.controlplane.gitea.runner``: register Gitea's own runner once, then run it.

It takes the options of ``harness.embedded.runner``, and the runner's program besides. SIGHUP lets it end after its
jobs, as it does with ours: Gitea's runner calls that SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from harness.kit import process
from harness.kit.errors import HarnessError, UsageError
from harness.kit.files import private_directory, write_atomic

_REGISTER_SECONDS = 120.0
_JOB_HOURS = 6


@dataclass(frozen=True, slots=True)
class Worker:
    """One runner. ``labels`` are those of jobs that it takes; all of them run in a shell of this very machine."""

    program: Path
    state: Path
    forge: str
    token_file: Path
    name: str
    capacity: int
    labels: tuple[str, ...]
    stop_grace: float
    """Seconds that jobs have to end when it is told to."""

    @property
    def home(self) -> Path:
        """Directory of everything that is the runner's own."""
        return self.state / "gitea"

    @property
    def config(self) -> Path:
        """Its configuration."""
        return self.home / "config.yaml"

    @property
    def registration(self) -> Path:
        """What it knows itself by; written by its own ``register``."""
        return self.home / "registration.json"

    @property
    def schemas(self) -> list[str]:
        """The labels as it takes them: run on the host."""
        return [f"{label}:host" for label in self.labels]

    def command(self, word: str) -> list[str]:
        """A command line of its."""
        return [str(self.program), "--config", str(self.config), word]


def render(worker: Worker) -> str:
    """The text of its configuration file. Nothing secret is in it."""
    return yaml.safe_dump(
        {
            "log": {"level": "info"},
            "runner": {
                "file": str(worker.registration),
                "capacity": worker.capacity,
                "labels": worker.schemas,
                "timeout": f"{_JOB_HOURS}h",
                "shutdown_timeout": f"{int(worker.stop_grace)}s",
                "fetch_interval": "1s",
            },
            "cache": {"enabled": False},
            "host": {"workdir_parent": str(worker.home / "work")},
        },
        sort_keys=False,
    )


def prepare(worker: Worker) -> None:
    """Configured and registered; raises ``UsageError`` as long as no token is there."""
    private_directory(worker.home)
    write_atomic(worker.config, render(worker), mode=0o600)
    if not _registered(worker):
        _register(worker)


def _registered(worker: Worker) -> bool:
    """Whether it knows itself, and by the forge that it is to work for."""
    try:
        return str(json.loads(worker.registration.read_text())["address"]).rstrip("/") == worker.forge
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False


def _register(worker: Worker) -> None:
    """By the questions that it asks: their answers come through standard input, a token as an option would be seen."""
    worker.registration.unlink(missing_ok=True)
    token = _token(worker.token_file)
    answers = "\n".join((worker.forge, token, worker.name, ",".join(worker.schemas), ""))
    try:
        process.run(worker.command("register"), stdin=answers.encode(), cwd=worker.home, timeout=_REGISTER_SECONDS)
    except process.CommandError as failed:
        if "registration token" in failed.completed.error_text:
            # Not found or taken back, says the forge: whoever hands over next brings another.
            worker.token_file.unlink(missing_ok=True)
        raise
    if not worker.registration.is_file():
        raise HarnessError("the runner has not registered", hint="its own words stand above")
    worker.registration.chmod(0o600)


def _token(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError as missing:
        raise UsageError(f"{path} is not there yet", hint="./run local brings it") from missing


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.controlplane.gitea.runner", description="Run jobs.")
    parser.add_argument("--runner", type=Path, required=True, metavar="FILE", help="the runner's program")
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="where everything is kept")
    parser.add_argument("--forge", required=True, metavar="URL", help="the forge's address")
    parser.add_argument("--token-file", type=Path, required=True, help="file with the forge's registration token")
    parser.add_argument("--capacity", type=int, default=4, help="jobs at once (default: %(default)s)")
    parser.add_argument("--label", action="append", help="label of jobs to take (repeatable; default: shell)")
    parser.add_argument("--name", default=socket.gethostname(), help="name to register (default: the host's)")
    parser.add_argument("--stop-grace", type=float, default=25.0, help="seconds for running jobs at the end")
    parser.add_argument("--ca", type=Path, help="ignored: Gitea's runner trusts what the system trusts")
    return parser


def worker_of(argv: Sequence[str] | None = None) -> Worker:
    """What the command line says."""
    given = _parser().parse_args(argv)
    return Worker(
        given.runner,
        given.state.absolute(),
        given.forge.rstrip("/"),
        given.token_file,
        given.name,
        given.capacity,
        tuple(given.label or ("shell",)),
        given.stop_grace,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run until told to end; the exit code."""
    worker = worker_of(argv)
    try:
        prepare(worker)
    except (HarnessError, OSError) as problem:
        hint = f" ({problem.hint})" if isinstance(problem, HarnessError) and problem.hint else ""
        sys.stderr.write(f"runner: {problem}{hint}\n")
        return 1
    return _run(worker)


def _run(worker: Worker) -> int:
    child = subprocess.Popen(worker.command("daemon"), cwd=worker.home)

    def end(*_: object) -> None:
        child.terminate()

    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    return child.wait()


if __name__ == "__main__":
    sys.exit(main())
