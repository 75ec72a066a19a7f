"""Running a long program of ours in front of the user: its output is theirs, and Ctrl-C lets it end cleanly."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.kit.errors import ExitCode

_GRACE_SECONDS = 45
"""What the program gets after Ctrl-C to end its workers and write its report."""


def run(argv: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> int:
    """Its exit code; 130 when Ctrl-C came meanwhile."""
    child = subprocess.Popen(argv, cwd=cwd, env=dict(environ))
    try:
        return child.wait()
    except KeyboardInterrupt:
        _await_end(child)
        return ExitCode.INTERRUPTED


def _await_end(child: subprocess.Popen[bytes]) -> None:
    """The terminal sent Ctrl-C to the child too; let it end, then insist."""
    for insist in (child.terminate, child.kill):
        try:
            child.wait(_GRACE_SECONDS)
            return
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            insist()
    child.wait()
