"""``doctor``: a table of what this machine lacks, and what to type. Other commands run their part of it first."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.cli import arguments, console, session
from harness.cli.doctor import engine, files, machine, packages, programs, target
from harness.cli.doctor.finding import Finding, State, problem
from harness.config.settings import Settings
from harness.config.settings_file import FILE, load_settings
from harness.config.share import Share
from harness.embedded.engine.install import ensure_engine
from harness.kit.errors import ExitCode, HarnessError, UnreachableError

PURPOSES = ("local", "deploy", "tests")


def add_parser(subparsers: arguments.Subparsers) -> argparse.ArgumentParser:
    """``doctor [--for PURPOSE] [--no-install]``."""
    parser = arguments.command(subparsers, "doctor", "Show what this machine has and lacks, and what to type.")
    parser.add_argument(
        "--for", dest="purpose", choices=PURPOSES, help="only what that session needs, and only problems"
    )
    parser.add_argument(
        "--no-install", action="store_true", help="only look: never install the Docker engine, git or ssh"
    )
    return parser


def run(options: argparse.Namespace) -> int:
    """Exit code 0: all that is needed is there; 3: something is missing."""
    if options.purpose:
        require(options.purpose, install=not options.no_install)
        return ExitCode.OK
    root = session.root()
    findings = examine(root, machine.ThisMachine(), install=not options.no_install)
    show(findings)
    return ExitCode.UNREACHABLE if _problems(findings) else ExitCode.OK


def require(purpose: str, *, install: bool = True) -> None:
    """See that what ``purpose`` needs is there; silent when it is.

    Raises ``UnreachableError`` after a table of what is missing.
    """
    root = session.root()
    here = machine.ThisMachine()
    if install:
        packages.install_missing(here, console.say)
    findings = programs.check(here, _state(root), versions=False)
    settings = None if purpose == "tests" else _settings(root, findings)
    if purpose == "tests" or (settings and settings.embedded_target):
        findings += _engine(root, install=install)
    lacking = _problems(findings)
    if lacking:
        show(lacking)
        raise UnreachableError(f"{len(lacking)} thing(s) missing on this machine", hint=lacking[0].remedy)


def examine(root: Path, here: machine.Machine, *, install: bool) -> list[Finding]:
    """Everything, in the order of the table."""
    if install:
        packages.install_missing(here, console.say)
    findings = [*programs.check(here, _state(root)), files.check_mode(root / FILE)]
    settings = _settings(root, findings)
    if settings is None:
        return findings
    if not settings.embedded_target:
        return [*findings, *target.check_host(root, settings)]
    node = Share.for_target(root, settings, session.environment()).path / "node"
    findings += _engine(root, install=install)
    return [*findings, target.check_port(here, settings.embedded, target.is_running(node))]


def show(findings: Iterable[Finding]) -> None:
    """The table."""
    console.show_table(("check", "", "found", "what to type"), [finding.row for finding in findings])


def _settings(root: Path, findings: list[Finding]) -> Settings | None:
    """The settings, or None with the problems added to ``findings``."""
    try:
        return load_settings(root, session.environment())
    except HarnessError as error:
        findings += files.unreadable(error)
        return None


def _engine(root: Path, *, install: bool) -> list[Finding]:
    """The engine's findings, after installing and starting it where that is ours to do."""
    if install:
        try:
            ensure_engine(console.say, _state(root))
        except UnreachableError as error:
            return [problem("Docker engine", error.message, error.hint or "")]
    return engine.check()


def _state(root: Path) -> Path:
    return session.state(root, session.environment())


def _problems(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.state is State.PROBLEM]
