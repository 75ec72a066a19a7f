"""Start a program that outlives this process."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.kit import process


def start_daemon(command: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None) -> int:
    """Run ``command`` detached, its output appended to ``log``; returns its process id.

    A shell between makes init the daemon's parent, so that its end leaves no zombie behind here; setsid(1) takes it
    out of this terminal's reach.
    """
    line = f"setsid {shlex.join(command)} >> {shlex.quote(str(log))} 2>&1 < /dev/null & echo $!"
    return int(process.run(["/bin/sh", "-c", line], env=env, cwd=Path("/")).text)
