"""Starting pytest for a plan, in a process of its own, and reading its exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.cli import child
from harness.kit.errors import ExitCode

LIBRARIES = "libs"
_NO_TESTS = 5
_PYTEST_USAGE = 4
_WORKERS_PER_CORE = 4


def worker_arguments(containers: int, given: Sequence[str]) -> list[str]:
    """``-n`` for so many containers, unless the user chose a number; one container needs no second process.

    Containers mostly wait (for apt, ssh, systemd), so a core carries several.
    """
    if any(word.startswith(("-n", "--numprocesses")) for word in given) or containers < 2:
        return []
    return ["-n", str(min(containers, _WORKERS_PER_CORE * (os.cpu_count() or 1)))]


def arguments(mode: str, run_dir: Path, given: Sequence[str], containers: int) -> list[str]:
    """The whole command line; which containers take part stands in the run directory's plan.

    Warnings of specs are shown: that they are errors is a rule for this project's own tests only.
    """
    base = [sys.executable, "-m", "pytest", f"--gitops={mode}", f"--gitops-run={run_dir}", "-W", "default"]
    return [*base, *worker_arguments(containers, given), *given, LIBRARIES]


def run(argv: Sequence[str], root: Path, environ: Mapping[str, str]) -> int:
    """Run it in ``root`` and return an exit code of ours."""
    return exit_code(child.run(argv, root, environ))


def exit_code(of_pytest: int) -> int:
    """The suite ends with codes of ours already; pytest's own 4 and 5 come from before it, and mean usage."""
    return ExitCode.USAGE if of_pytest in (_PYTEST_USAGE, _NO_TESTS) else of_pytest
