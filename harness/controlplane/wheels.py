"""The locked packages as wheels for another machine's Python, so that installing them needs no network there."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.controlplane.program import LOCK, Program
from harness.kit import process
from harness.kit.errors import UnreachableError, UsageError
from harness.kit.files import exclusive, private_directory

Say = Callable[[str], None]

_PYTHONS = {"12": ((3, 11), (2, 36)), "13": ((3, 13), (2, 41))}
"""Of each Debian release: the Python and the C library it has."""
_OLDEST_GLIBC = 5
"""``manylinux_2_5`` is the oldest tag there is (PEP 600)."""
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Platform:
    """Debian ``release`` on ``machine``, as uname(1) calls it."""

    release: str
    machine: str

    @classmethod
    def of(cls, release: str, architecture: str) -> Platform:
        """From either spelling of the architecture (``amd64`` or ``x86_64``).

        Raises ``UsageError`` for a release whose Python is not known.
        """
        if release not in _PYTHONS:
            known = ", ".join(sorted(_PYTHONS))
            raise UsageError(f"a control plane does not run on Debian {release}", hint=f"use one of: {known}")
        return cls(release, _MACHINES.get(architecture, architecture))

    @property
    def python(self) -> str:
        """Version of Debian's Python, ``3.13``."""
        (major, minor), _ = _PYTHONS[self.release]
        return f"{major}.{minor}"

    @property
    def abi(self) -> str:
        """Its ABI tag, ``cp313``."""
        return f"cp{self.python.replace('.', '')}"

    @property
    def tags(self) -> list[str]:
        """Platform tags that its C library satisfies, newest first; pip derives none from another."""
        _, (major, minor) = _PYTHONS[self.release]
        newer = [f"manylinux_{major}_{number}_{self.machine}" for number in range(minor, _OLDEST_GLIBC - 1, -1)]
        older = [f"manylinux{name}_{self.machine}" for name in ("2014", "2010", "1")]
        return [*newer, *older, "any"]


def folder_name(program: Program, platform: Platform) -> str:
    """What a set of wheels is called: another lock, Python or machine is another set."""
    return f"{program.lock_digest}-{platform.abi}-{platform.machine}"


def ensure(
    program: Program,
    platform: Platform,
    caches: Iterable[Path],
    say: Say,
    *,
    run: process.Runner = process.run,
) -> Path:
    """A directory with every wheel of the lock for ``platform``: found in one of ``caches``, else made in the first.

    Raises ``UnreachableError`` when the package index does not give them.
    """
    first, *others = caches
    name = folder_name(program, platform)
    for cache in (first, *others):
        if (cache / name).is_dir():
            return cache / name
    with exclusive(private_directory(first) / ".lock"):
        if not (first / name).is_dir():
            say(f"fetching the locked packages for Python {platform.python} on {platform.machine}")
            _fetch(program, platform, first / name, run)
    return first / name


def _fetch(program: Program, platform: Platform, target: Path, run: process.Runner) -> None:
    """Fill a directory beside ``target`` and give it the name only when it is whole."""
    aside = Path(tempfile.mkdtemp(dir=target.parent, prefix=".fetching-"))
    try:
        (aside / LOCK).write_bytes(program.lock)
        run(download_command(platform, aside), timeout=_SECONDS)
        (aside / LOCK).unlink()
        aside.chmod(0o755)
        aside.replace(target)
    except process.CommandError as failed:
        raise UnreachableError(
            f"the control plane's packages could not be fetched: {failed.message}",
            hint="pip must reach its package index and find wheels there (index-url in pip.conf, PIP_INDEX_URL)",
            detail=failed.detail,
        ) from failed
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def download_command(platform: Platform, directory: Path) -> list[str]:
    """pip(1), asked for wheels of another machine. Only with hashes, and nothing that it would have to build."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--implementation=cp", f"--python-version={platform.python}"]
    command += [f"--abi={abi}" for abi in (platform.abi, "abi3", "none")]
    command += [f"--platform={tag}" for tag in platform.tags]
    return [*command, f"--dest={directory}", f"--requirement={directory / LOCK}"]
