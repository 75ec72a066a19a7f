"""The runner as a program: ``python -m harness.embedded.runner --state DIR --forge URL --token-file FILE``."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.embedded.runner import recovery
from harness.embedded.runner.guard import guarded
from harness.embedded.runner.service import Service
from harness.embedded.runner.settings import RunnerSettings
from harness.kit.errors import HarnessError
from harness.kit.files import private_directory

_log = logging.getLogger(__name__)
_EPILOG = """\
SIGHUP: no more jobs are taken; the runner ends when those that run have ended, however long that takes.
SIGTERM: the same, but they have --stop-grace seconds; then they are interrupted, and the forge offers them again.
What the forge has not heard when the runner ends is told at the next start."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(
        prog="python -m harness.embedded.runner",
        description="Runs the jobs of a forge's workflows in a shell on this machine.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("--state", type=Path, required=True, help="directory of everything the runner keeps")
    found.add_argument("--forge", required=True, help="the forge's address, such as http://127.0.0.1:8080")
    found.add_argument("--token-file", type=Path, required=True, help="file with the forge's registration token")
    found.add_argument("--capacity", type=_positive, default=4, help="jobs at once (default: 4)")
    found.add_argument("--label", action="append", help="label of jobs to take (repeatable; default: shell)")
    found.add_argument("--ca", type=Path, help="certificate authority of the forge (PEM)")
    found.add_argument("--untrusted", action="store_true", help="take jobs of pull requests whose code is not accepted")
    found.add_argument("--name", default=socket.gethostname(), help="name to register (default: the host's)")
    found.add_argument("--stop-grace", type=float, default=25.0, help="seconds for running jobs at SIGTERM")
    found.add_argument("--kill-grace", type=float, default=10.0, help="seconds between SIGTERM and SIGKILL of a step")
    found.add_argument("--lock-wait", type=float, default=20.0, help="seconds to wait for a runner that is ending")
    found.add_argument(
        "--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING"), help="of the runner's own log"
    )
    return found


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}: at least 1")
    return value


def settings(arguments: argparse.Namespace) -> RunnerSettings:
    """What the command line says."""
    return RunnerSettings(
        state=arguments.state.resolve(),
        forge=arguments.forge.rstrip("/"),
        token_file=arguments.token_file,
        name=arguments.name,
        capacity=arguments.capacity,
        labels=tuple(arguments.label or ("shell",)),
        ca=arguments.ca,
        untrusted=arguments.untrusted,
        stop_grace=arguments.stop_grace,
        kill_grace=arguments.kill_grace,
        environ=dict(os.environ),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    arguments = parser().parse_args(argv)
    logging.basicConfig(level=arguments.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    wanted = settings(arguments)
    try:
        private_directory(wanted.state)
        recovery.lock(wanted, arguments.lock_wait)
    except (HarnessError, OSError) as error:
        return _complain(error)
    return guarded(lambda: _serve(wanted))


def _serve(wanted: RunnerSettings) -> int:
    try:
        return Service(wanted).run()
    except (HarnessError, OSError) as error:
        return _complain(error)


def _complain(error: Exception) -> int:
    hint = f" ({error.hint})" if isinstance(error, HarnessError) and error.hint else ""
    _log.error("%s%s", error, hint)
    return int(error.exit_code) if isinstance(error, HarnessError) else 1


if __name__ == "__main__":
    sys.exit(main())
