"""Checks of the credentials file."""

from __future__ import annotations

import stat
from pathlib import Path

from harness.cli.doctor.finding import Finding, note, ok, problem
from harness.kit.errors import HarnessError

_SUBJECT = "credentials"


def check_mode(file: Path) -> Finding:
    """``local/config.json`` holds passwords: only its owner may read it."""
    if not file.exists():
        return note(_SUBJECT, f"{file.name} is not there: runs go to the embedded node")
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        return problem(_SUBJECT, f"{file.name} has mode {mode:04o}", f"chmod 600 {file}")
    return ok(_SUBJECT, f"{file.name}, mode {mode:04o}")


def unreadable(error: HarnessError) -> list[Finding]:
    """What stands in the way of loading the configuration, as findings."""
    problems = getattr(error, "problems", ())
    if not problems:
        return [problem("configuration", str(error), error.hint or "./run config")]
    return [problem("configuration", f"{one.place}: {one.found}", one.hint or one.rule) for one in problems]
