"""Find the Docker engine; install and start it where that is this user's to do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from docker.client import DockerClient

from harness.embedded.engine import client as engine
from harness.embedded.engine.daemon import start_daemon
from harness.kit import clock, process
from harness.kit.errors import DeadlineError, UnreachableError
from harness.kit.files import private_directory

Say = Callable[[str], None]

INSTALL_COMMAND = "sudo apt-get update && sudo apt-get install -y docker.io"
ELSEWHERE = "install the Docker engine as https://docs.docker.com/engine/install/ says, then start it"
_APT_SECONDS = 600.0
_START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Machine:
    """What decides how Docker gets here."""

    root: bool
    apt: bool
    systemd: bool
    dockerd: bool
    remote: bool
    """``DOCKER_HOST`` names an engine: it is used as it is and never started by us."""

    @classmethod
    def look(cls) -> Machine:
        """This machine, now."""
        return cls(
            root=os.geteuid() == 0,
            apt=is_debian_like(Path("/etc/os-release")),
            systemd=Path("/run/systemd/system").is_dir(),
            dockerd=shutil.which("dockerd") is not None,
            remote=bool(os.environ.get("DOCKER_HOST")),
        )


def is_debian_like(os_release: Path) -> bool:
    """Whether ``docker.io`` comes from apt here: ``ID`` or ``ID_LIKE`` of os-release(5) names Debian or Ubuntu."""
    if not os_release.is_file():
        return False
    lines = (line.partition("=") for line in os_release.read_text().splitlines())
    values = {key: value.strip("\"'").split() for key, _, value in lines}
    return bool({"debian", "ubuntu"} & {*values.get("ID", ()), *values.get("ID_LIKE", ())})


def ensure_engine(say: Say, state_dir: Path, *, run: process.Runner = process.run) -> DockerClient:
    """A client of a running engine, installed and started first where needed and possible.

    ``state_dir`` receives ``dockerd.log`` when the daemon is started by us on a machine without systemd. Raises
    ``UnreachableError`` with the command to type when this user cannot mend it.
    """
    try:
        return engine.connect()
    except UnreachableError as missing:
        machine = Machine.look()
        if missing.hint == engine.GROUP_HINT or machine.remote:
            raise
        next_step(machine, missing)
    if not machine.dockerd:
        install(say, run)
    try:
        start(machine, say, state_dir, run)
        return clock.wait_until(_answering, clock.Deadline(_START_SECONDS), "start of the Docker engine")
    except (process.CommandError, DeadlineError) as failed:
        raise UnreachableError(failed.message, hint=_log_hint(machine, state_dir), detail=failed.detail) from failed


def next_step(machine: Machine, missing: UnreachableError) -> None:
    """Return when this user may install or start Docker; raises ``UnreachableError`` saying what to type when not."""
    if machine.root and (machine.dockerd or machine.apt):
        return
    if machine.dockerd:
        hint = "sudo systemctl start docker" if machine.systemd else "sudo dockerd &"
        raise UnreachableError("the Docker engine is installed and not running", hint=hint) from missing
    hint = INSTALL_COMMAND if machine.apt else ELSEWHERE
    raise UnreachableError("there is no Docker engine on this machine", hint=hint) from missing


def install(say: Say, run: process.Runner) -> None:
    """Install Debian's or Ubuntu's ``docker.io``; raises ``UnreachableError`` when apt cannot."""
    say("installing the Docker engine: apt-get install docker.io")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        run(["apt-get", "update", "-q"], env=quiet, timeout=_APT_SECONDS)
        run(["apt-get", "install", "-y", "-q", "docker.io"], env=quiet, timeout=_APT_SECONDS)
    except process.CommandError as failed:
        raise UnreachableError(
            "docker.io could not be installed", hint=INSTALL_COMMAND, detail=failed.detail
        ) from failed


def start(machine: Machine, say: Say, state_dir: Path, run: process.Runner) -> None:
    """Start the engine: as systemd's unit, or as a daemon that outlives this process."""
    if machine.systemd:
        say("starting the Docker engine: systemctl start docker")
        run(["systemctl", "start", "docker"], timeout=_START_SECONDS)
        return
    log = private_directory(state_dir) / "dockerd.log"
    say(f"starting the Docker engine: dockerd, log in {log}")
    start_daemon(["dockerd"], log)


def _answering() -> DockerClient | None:
    try:
        return engine.connect()
    except UnreachableError:
        return None


def _log_hint(machine: Machine, state_dir: Path) -> str:
    return "see why: journalctl -u docker" if machine.systemd else f"see why: {state_dir / 'dockerd.log'}"
