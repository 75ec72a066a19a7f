"""Installing the small programs that are missing, where that is this user's to do."""

from __future__ import annotations

from collections.abc import Callable

from harness.cli.doctor import programs
from harness.cli.doctor.machine import Machine
from harness.kit import process
from harness.kit.errors import UnreachableError

_APT_SECONDS = 600.0


def install_missing(machine: Machine, say: Callable[[str], None], run: process.Runner = process.run) -> None:
    """git and ssh by apt, as root on Debian and Ubuntu; elsewhere the doctor's table says what to type.

    Raises ``UnreachableError`` when apt cannot.
    """
    names = sorted({program.package for program in programs.missing(machine)})
    if not names or not machine.is_root() or not machine.has_apt():
        return
    say(f"installing {' and '.join(names)}: apt-get install {' '.join(names)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        run(["apt-get", "update", "-q"], env=quiet, timeout=_APT_SECONDS)
        run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *names], env=quiet, timeout=_APT_SECONDS)
    except process.CommandError as failed:
        hint = f"apt-get install {' '.join(names)}"
        raise UnreachableError(
            f"{' and '.join(names)} could not be installed", hint=hint, detail=failed.detail
        ) from failed
