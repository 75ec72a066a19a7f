"""Sessions: each one installs what the lock files say and calls ``python -m harness`` or a checker, nothing more.

All of them share the environment ``.venv``: the harness is one program, and a command that has nothing to do must not
first build an environment of its own. Plain ``nox`` runs ``lint`` and ``tests``, which never touch a node of yours.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "tests"]
nox.options.stop_on_first_error = False

ROOT = Path(__file__).parent
# A control plane brings the locked packages along and has no index to fetch them from.
GIVEN = os.environ.get("GITOPS_ENVIRONMENT")
ENVIRONMENT = Path(GIVEN) if GIVEN else ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
RUNTIME_LOCK = ROOT / "requirements.lock"
TEST_LOCK = ROOT / "tests" / "requirements.lock"
# Modules stay together (their tests share a node and build on each other) and start in the order that is collected.
_WORKERS = ["-n", str(min(max(os.cpu_count() or 2, 2), 8)), "--dist", "loadscope", "--no-loadscope-reorder"]
GRACE_SECONDS = 60  # what a command gets after Ctrl-C to end its workers and its report

if os.environ.get("GITOPS_LAUNCHER") or GIVEN:
    # ./run promises one command, a job's step is one; nox's own lines would stand between its output and its reader.
    logging.getLogger("nox").setLevel(logging.WARNING)
    logging.getLogger().setLevel(logging.WARNING)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


@contextmanager
def _alone() -> Iterator[None]:
    """Two sessions started at once do not install into the same environment at once."""
    ENVIRONMENT.mkdir(exist_ok=True)
    with (ENVIRONMENT / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(lock: Path) -> None:
    """Bring ``.venv`` to ``lock``'s versions; costs one small file's hash when it is there already."""
    if GIVEN:
        return
    stamp = ENVIRONMENT / (".tests-installed" if lock is TEST_LOCK else ".installed")
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    with _alone():
        if not PYTHON.exists():
            subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        _say(f"installing the locked dependencies ({lock.relative_to(ROOT)})")
        pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run([*pip, "--require-hashes", "--requirement", str(lock)], check=False)
        if done.returncode:
            _say("pip could not install them (above: why); type the same again")
            raise SystemExit(3)
        stamp.write_text(wanted)


def _wait(child: subprocess.Popen[bytes]) -> int:
    """The child's exit code. Ctrl-C reached the child as well: wait for it to end cleanly, then insist."""
    try:
        return child.wait()
    except KeyboardInterrupt:
        for ask, seconds in ((None, GRACE_SECONDS), (signal.SIGTERM, 10), (signal.SIGKILL, 10)):
            if ask:
                child.send_signal(ask)
            try:
                child.wait(seconds)
                break
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                continue
        return 130


def _run(program: str, *argv: str) -> int:
    """Run a program of the shared environment to its end and return its exit code."""
    code = _wait(subprocess.Popen([str(PYTHON.with_name(program)), *argv], cwd=ROOT))
    return 130 if code == -signal.SIGINT else code


def _end(code: int) -> None:
    """A code other than 0 becomes nox's own, which would otherwise say 1 to everything."""
    if code:
        raise SystemExit(code)


def _command(session: nox.Session) -> None:
    _install(RUNTIME_LOCK)
    _end(_run("python", "-m", "harness", session.name, *session.posargs))


@nox.session(venv_backend="none", default=False)
def local(session: nox.Session) -> None:
    """Control plane, release pull request and, on the embedded node, its merge. `local NAME`: a trial container."""
    _command(session)


@nox.session(venv_backend="none", default=False)
def plan(session: nox.Session) -> None:
    """What deploy would do, and why; changes nothing. Exit 10: there are changes."""
    _command(session)


@nox.session(venv_backend="none", default=False)
def deploy(session: nox.Session) -> None:
    """Bring containers to what the repository says: [containers] [pytest arguments] [--allow-replace NAME]."""
    _command(session)


@nox.session(venv_backend="none", default=False)
def verify(session: nox.Session) -> None:
    """Run the containers' specs against what is running: [containers] [pytest arguments]."""
    _command(session)


@nox.session(venv_backend="none", default=False)
def config(session: nox.Session) -> None:
    """Check the configuration; --explain [container] shows every value and where it came from."""
    _command(session)


@nox.session(venv_backend="none", default=False)
def doctor(session: nox.Session) -> None:
    """What this machine has, lacks, and what to type."""
    _command(session)


@nox.session(venv_backend="none", default=False)
def down(session: nox.Session) -> None:
    """Stop the control plane; delete the embedded node's containers, after asking; --all: data, images, state too."""
    _command(session)


@nox.session(venv_backend="none", default=False)
def check(session: nox.Session) -> None:
    """Job: post what a pull request would do. `check -- --proposed DIR` by hand."""
    _command(session)


@nox.session(venv_backend="none", default=False)
def release(session: nox.Session) -> None:
    """Job: deploy an accepted pull request: what was posted, and no more."""
    _command(session)


@nox.session(venv_backend="none", default=False)
def configure(session: nox.Session) -> None:
    """Job: converge and verify what stands, from the commit that was pushed."""
    _command(session)


@nox.session(venv_backend="none", default=False)
def snapshot(session: nox.Session) -> None:
    """Job: archive a container's data."""
    _command(session)


@nox.session(venv_backend="none", default=False)
def pointer(session: nox.Session) -> None:
    """Job: let the monorepo point to what main of a part holds."""
    _command(session)


@nox.session(venv_backend="none", default=False)
def accept(session: nox.Session) -> None:
    """Task: merge all open release pull requests whose plan is fine."""
    _command(session)


@nox.session(venv_backend="none", default=False)
def health(session: nox.Session) -> None:
    """Task: ask every container and its service how they are."""
    _command(session)


@nox.session(venv_backend="none", default=False)
def update(session: nox.Session) -> None:
    """Task: upgrade the system of every container, reboot where that is required."""
    _command(session)


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Style, strict types, and which package may import which."""
    _install(TEST_LOCK)
    codes = [
        _run("ruff", "check", *(session.posargs or ["."])),
        _run("ruff", "format", "--check", "."),
        _run("mypy"),
        _run("lint-imports"),
    ]
    _end(max(codes))


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """Unit, contract, plugin and end-to-end tests, on embedded nodes of their own."""
    _install(TEST_LOCK)
    _end(_run("python", "-m", "harness", "doctor", "--for", "tests"))
    _end(_run("python", "-m", "pytest", *(session.posargs or _WORKERS)))


@nox.session(venv_backend="none", default=False)
def conformance(session: nox.Session) -> None:
    """Ask the embedded node what a real Proxmox VE was asked, and print the share of exact answers."""
    _install(TEST_LOCK)
    _end(_run("python", "-m", "tests.contract.pve.conformance", *session.posargs))


@nox.session(venv_backend="none", default=False)
def bench(session: nox.Session) -> None:
    """Measure what the README claims; writes bench/results/."""
    _install(TEST_LOCK)
    _end(_run("python", "-m", "harness", "doctor", "--for", "tests"))
    _end(_run("python", "-m", "bench", *session.posargs))
