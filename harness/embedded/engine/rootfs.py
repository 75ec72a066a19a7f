"""A Debian root file system straight from the package archive, for machines that reach no container registry."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from harness.embedded.engine.install import is_debian_like
from harness.kit import process
from harness.kit.errors import UnreachableError

Say = Callable[[str], None]

_SECONDS = 900.0
INSTALL_COMMAND = "sudo apt-get install -y mmdebstrap debian-archive-keyring"


def debootstrap(
    suite: str, packages: Iterable[str], archive: Path, say: Say, *, run: process.Runner = process.run
) -> None:
    """Write a root file system with ``packages`` to the tar file ``archive``.

    Raises ``UnreachableError`` when mmdebstrap cannot be had or the package archive does not answer.
    """
    ensure_tool(say, run)
    say(f"making Debian {suite} from its package archive")
    try:
        run(
            ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}", suite, str(archive)],
            timeout=_SECONDS,
        )
    except process.CommandError as failed:
        raise UnreachableError(
            "no base image: neither a container registry nor Debian's package archive could be used",
            hint="reach docker.io (docker pull debian:13) or http://deb.debian.org from this machine, then run again",
            detail=failed.detail,
        ) from failed


def ensure_tool(say: Say, run: process.Runner = process.run) -> None:
    """Have mmdebstrap, installed where this user may; raises ``UnreachableError`` with what to type otherwise."""
    if shutil.which("mmdebstrap"):
        return
    hint = f"reach docker.io (docker pull debian:13), or type: {INSTALL_COMMAND}"
    if os.geteuid() != 0 or not is_debian_like(Path("/etc/os-release")):
        raise UnreachableError("no base image: no container registry answers, and mmdebstrap is missing", hint=hint)
    say("installing mmdebstrap")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        run(["apt-get", "update", "-q"], env=quiet, timeout=_SECONDS)
        run(["apt-get", "install", "-y", "-q", "mmdebstrap", "debian-archive-keyring"], env=quiet, timeout=_SECONDS)
    except process.CommandError as failed:
        raise UnreachableError("mmdebstrap could not be installed", hint=hint, detail=failed.detail) from failed
