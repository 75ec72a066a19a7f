"""The installation kit: all that makes /opt/gitops out of a Debian with Python, by a script and without network.

The same files go into the local image and beside the cookbook.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.controlplane import wheels
from harness.controlplane.gitea import releases
from harness.controlplane.gitea.releases import Pair
from harness.controlplane.program import LOCK, Program
from harness.controlplane.wheels import Platform

Say = Callable[[str], None]

COOKBOOK = Path(__file__).parent / "cookbook"
FILES = COOKBOOK / "files"
UNITS = ("gitops-forge.service", "gitops-runner.service")
HOME = "/opt/gitops"
DATA = "/var/lib/gitops"
ACCOUNT = 811
"""User and group id of ``gitops``, as ``files/account.sh`` makes it."""
PACKAGES = ("ca-certificates", "git", "openssh-client", "python3", "python3-venv")
"""Debian packages that a control plane needs."""
INSTALLER = "install.sh"
UNPACKER = "releases.sh"
INSTALLED_WHEELS = Path(HOME) / "wheels"
"""Where a control plane keeps its own wheels, to make another one from."""


@dataclass(frozen=True)
class Kit:
    """One program with its wheels for one platform."""

    program: Program
    platform: Platform
    wheels: Path
    releases: tuple[Path, ...] = ()
    """Packed releases of Gitea and its runner, where those are to run."""

    @classmethod
    def ensure(cls, program: Program, platform: Platform, base: Path, say: Say, pair: Pair | None = None) -> Kit:
        """The kit, wheels and releases fetched where neither folders in ``base`` nor this machine's own installation
        have them."""
        folder = wheels.ensure(program, platform, (base / "wheels", INSTALLED_WHEELS), say)
        caches = (base / "downloads", releases.INSTALLED)
        return cls(program, platform, folder, tuple(releases.ensure(one, caches, say) for one in pair or ()))

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Everything that ``install.sh`` expects in its directory, by relative path."""
        yield LOCK, self.program.lock
        yield "lock.digest", self.environment.encode()
        yield "program.digest", self.program.digest.encode()
        yield "wheels.name", self.wheels.name.encode()
        for name in (INSTALLER, UNPACKER):
            yield name, script(name).encode()
        yield "harness.tar", self.program.archive()
        for wheel in sorted(self.wheels.glob("*.whl")):
            yield f"wheels/{wheel.name}", wheel.read_bytes()
        for release in self.releases:
            yield f"releases/{release.name}", release.read_bytes()

    @property
    def environment(self) -> str:
        """Name of the environment that the wheels are installed into."""
        return wheels.folder_name(self.program, self.platform)


def script(name: str) -> str:
    """The text of one of the cookbook's scripts."""
    return (FILES / name).read_text()
