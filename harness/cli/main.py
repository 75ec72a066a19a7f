"""The commands and how each of them ends: an exit code, and one clear line when something went wrong."""

from __future__ import annotations

import argparse
import importlib
import os
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Protocol, cast

from harness.cli import session
from harness.cli.arguments import Subparsers
from harness.kit.errors import ExitCode, HarnessError, NoSpaceError
from harness.kit.files import private_directory, write_atomic
from harness.kit.secret import redact

PIPELINES = ("check", "release", "configure", "snapshot", "pointer", "accept", "health", "update")
"""Commands that workflows of the control plane call."""
COMMANDS = ("local", "plan", "deploy", "verify", "config", "doctor", "down", *PIPELINES)


class Command(Protocol):
    """What a module ``harness.cli.<name>_command`` offers."""

    def add_parser(self, subparsers: Subparsers) -> argparse.ArgumentParser:
        """Declare the command's arguments."""

    def run(self, options: argparse.Namespace) -> int:
        """Do it; the result is the exit code."""


def load(name: str) -> Command:
    """The command's module, imported only when it is asked for: ``plan`` need not wait for ``local``'s imports."""
    return cast("Command", importlib.import_module(f"harness.cli.{name}_command"))


Load = Callable[[str], Command]


def parser(names: Sequence[str] = COMMANDS, load: Load = load) -> argparse.ArgumentParser:
    """The argument parser with the commands ``names``."""
    top = argparse.ArgumentParser(
        prog="./run",
        description="Containers described in git, brought to Proxmox VE and verified there.",
        epilog="Exit codes: 0 ok, 1 failed, 2 usage or configuration, 3 something outside does not answer, "
        "10 the plan has changes, 130 interrupted.",
    )
    subparsers = top.add_subparsers(dest="command", required=True, metavar="|".join(COMMANDS))
    for name in names:
        load(name).add_parser(subparsers)
    return top


def main(arguments: Sequence[str], load: Load = load) -> int:
    """Run the command that ``arguments`` name; never raises an error that a person is meant to read."""
    try:
        named = [word for word in arguments[:1] if word in COMMANDS]
        options, rest = parser(named or COMMANDS, load).parse_known_args(arguments)
        command = load(options.command)
        options.rest = _understood(options, rest, load)
        return int(command.run(options))
    except SystemExit as end:  # argparse's own way out: 0 after --help, 2 after a usage error
        return end.code if isinstance(end.code, int) else ExitCode.USAGE
    except HarnessError as error:
        _show(error)
        return error.exit_code
    except KeyboardInterrupt:
        _console().say("interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return _reader_gone()
    except Exception as error:  # every bug ends in words, a trace in its file and an exit code
        return _no_space(error) if NoSpaceError.is_meant(error) else _unexpected(error)


def _console() -> ModuleType:
    from harness.cli import console  # noqa: PLC0415 - loads rich, which a deploy needs only after it has signed in

    return console


def _show(error: HarnessError) -> None:
    _console().show_error(error)


def _understood(options: argparse.Namespace, rest: list[str], load: Load) -> list[str]:
    """Arguments argparse does not know are only fine for a command that hands them on to pytest."""
    if rest and not getattr(options, "passes_on", False):
        parser([options.command], load).error(f"unknown arguments: {' '.join(rest)}")
    return rest


def _reader_gone() -> int:
    """``./run plan | head``: stdout is closed; keep Python from complaining about it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return ExitCode.OK


def _no_space(error: Exception) -> int:
    assert isinstance(error, OSError)
    told = NoSpaceError(error)
    _show(told)
    return told.exit_code


def _unexpected(error: Exception) -> int:
    """A defect of ours: short on the terminal, whole (and redacted) in a file."""
    text = redact("".join(traceback.format_exception(error)))
    try:
        log = _log_path()
        write_atomic(log, text, mode=0o600)
        told = {"hint": f"the traceback is in {log}"}
    except OSError as unwritten:
        told = {"hint": f"the traceback could not be kept: {unwritten}", "detail": text}
    summary = str(error).splitlines()[0] if str(error) else "no message"
    _show(HarnessError(f"unexpected {type(error).__name__}: {summary}", **told))
    return ExitCode.FAILED


def _log_path() -> Path:
    """Below the state directory; outside of a repository in a fresh temporary one."""
    try:
        directory = session.state(session.root(), os.environ)
    except HarnessError:
        directory = Path(tempfile.mkdtemp(prefix="gitops-"))
    return private_directory(directory) / "last-error.log"
