"""``local NAME``: a throw-away container on an embedded node of its own, from a copy of the repository.

The copy has a name, port, state and therefore network of its own, so that neither the host in ``local/config.json``
nor the containers of ``./run local`` can be reached from it: the copy's ``local/config.json`` names no host.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from harness.cli import child, console, session, watch
from harness.config import root as roots
from harness.config import share
from harness.config.settings_file import FILE
from harness.converge.cookbook import HELPERS
from harness.embedded import launch
from harness.kit import files
from harness.kit.clock import Clock, SystemClock
from harness.kit.errors import ExitCode, UsageError

PREFIX = "trial-"
_SHARED = ("harness", "conftest.py", "pyproject.toml")
_PRIVATE = shutil.ignore_patterns("__pycache__", "config.*.env")


@dataclass(frozen=True, slots=True)
class Trial:
    """One library's throw-away world. ``source`` is the library being worked on, ``root`` the copy deployed from."""

    name: str
    source: Path
    directory: Path

    @property
    def root(self) -> Path:
        """The copy of the repository, with this one library."""
        return self.directory / "repository"

    @property
    def node_state(self) -> Path:
        """State of the trial's embedded node."""
        return self.root / session.STATE / "embedded" / "node"


def run(name: str, *, once: bool, clock: Clock | None = None) -> int:
    """Converge and verify ``libs/NAME``, again at every save unless ``once``; removes everything at the end."""
    trial = prepare(session.root(), name)
    with removed_afterwards(trial):
        code = deploy(trial)
        if not once and code != ExitCode.INTERRUPTED:
            watch_on(trial, clock or SystemClock())
    return code


def prepare(root: Path, name: str) -> Trial:
    """The trial of ``libs/NAME``, its repository laid out, what an earlier one left behind removed.

    Raises ``UsageError`` when there is no such library.
    """
    source = root / "libs" / name
    if not (source / "config.env").is_file():
        there = sorted(path.parent.name for path in root.glob("libs/*/config.env"))
        raise UsageError(f"no library is called {name}", hint=f"there are: {', '.join(there)}")
    trial = Trial(name, source, session.state(root, session.environment()) / f"{PREFIX}{name}")
    remove(trial.directory)
    files.private_directory(trial.root)
    lay_out(root, trial)
    return trial


def lay_out(root: Path, trial: Trial) -> None:
    """The parts of the repository that a deploy reads, with settings that name no host."""
    for part in _SHARED:
        (trial.root / part).symlink_to(root / part)
    shutil.copy2(root / "config.env", trial.root / "config.env")
    files.private_directory(trial.root / "local")
    settings = {"embedded": {"name": instance(root, trial.name), "port": free_port()}}
    files.write_atomic(trial.root / FILE, json.dumps(settings), mode=0o600)
    copy_library(trial)


def copy_library(trial: Trial) -> None:
    """Make the copy what library and helper modules are now; its NEEDS are not there to be waited for."""
    target = trial.root / "libs" / trial.name
    shutil.rmtree(trial.root / "libs", ignore_errors=True)
    shutil.copytree(trial.source, target, ignore=_PRIVATE)
    helpers = trial.source.parent / HELPERS.name
    if helpers.is_dir():
        shutil.copytree(helpers, trial.root / HELPERS, ignore=_PRIVATE)
    lines = (target / "config.env").read_text().splitlines(keepends=True)
    (target / "config.env").write_text("".join(line for line in lines if not line.strip().startswith("NEEDS")))


def instance(root: Path, name: str) -> str:
    """Name of the trial's embedded node, which settings limit to 24 characters; another one for every checkout."""
    checkout = hashlib.sha256(str(root).encode()).hexdigest()[:4]
    return f"{PREFIX}{checkout}-{name}"[:24].rstrip("-")


def free_port() -> int:
    """A port that nothing has; any will do, for only this trial's own processes use it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def deploy(trial: Trial) -> int:
    """Deploy the copy in a process of its own: the very thing ``./run deploy`` does."""
    argv = [sys.executable, "-m", "harness", "deploy", trial.name]
    return child.run(argv, trial.root, child_environment(trial, os.environ))


def child_environment(trial: Trial, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for work on the copy: no setting of the caller's reaches it, least of all a host."""
    kept = {name: value for name, value in environ.items() if not name.startswith("GITOPS_")}
    return {**kept, roots.VARIABLE: str(trial.root), share.VARIABLE: str(trial.root / session.STATE)}


def watch_on(trial: Trial, clock: Clock) -> NoReturn:
    """Deploy again at every save; only Ctrl-C ends it."""
    seen = watch.fingerprint(trial.source)
    while True:
        console.say(f"watching {trial.source}; Ctrl-C ends it and removes the container")
        seen = watch.wait_for_change(trial.source, seen, clock)
        console.say(f"{trial.name} changed: converging and verifying again")
        copy_library(trial)
        if deploy(trial) == ExitCode.INTERRUPTED:
            raise KeyboardInterrupt


@contextmanager
def removed_afterwards(trial: Trial) -> Iterator[None]:
    """Whatever happens inside, nothing of the trial is left behind."""
    try:
        yield
    finally:
        console.say(f"removing the throw-away container of {trial.name}")
        remove(trial.directory)


def remove(directory: Path) -> None:
    """Delete a trial's containers, network and files; nothing happens when there is none."""
    if not directory.exists():
        return
    launch.destroy(directory / "repository" / session.STATE / "embedded" / "node", images=False)
    shutil.rmtree(directory)


def remove_leftovers(root: Path) -> None:
    """Trials whose process was killed."""
    for directory in sorted(session.state(root, session.environment()).glob(f"{PREFIX}*")):
        console.say(f"removing the throw-away container of {directory.name.removeprefix(PREFIX)}")
        remove(directory)
