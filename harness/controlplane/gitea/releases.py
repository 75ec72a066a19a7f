"""Official releases of Gitea and its runner: fetched from a mirror, run only when they are the ones that were meant.

Releases are packed with xz and lie at ``<mirror>/<product>/<version>/<product>-<version>-linux-<machine>.xz``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from harness.config.settings import GITEA, GiteaSettings, Settings
from harness.kit.errors import HarnessError, UnreachableError
from harness.kit.files import exclusive, private_directory

Say = Callable[[str], None]
Caches = Iterable[Path]

INSTALLED = Path("/opt/gitops/releases")
"""Where a control plane keeps its own, packed and unpacked."""
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_SECONDS = 60.0
_PIECE = 1 << 20


class WrongReleaseError(HarnessError):
    """A release is not the one whose digest was given. Nothing of it has been kept."""


@dataclass(frozen=True, slots=True)
class Release:
    """One release for one machine (``amd64``, ``arm64``); any of ``digests`` (SHA-256 of the packed file) will do."""

    product: str
    version: str
    machine: str
    digests: frozenset[str]
    mirror: str
    setting: str
    """The setting that its digest is given by."""

    @property
    def name(self) -> str:
        """Its program's file name."""
        return f"{self.product}-{self.version}-linux-{self.machine}"

    @property
    def url(self) -> str:
        """Where it is fetched from."""
        return f"{self.mirror}/{self.product}/{self.version}/{self.packed}"

    @property
    def packed(self) -> str:
        """Name of the file that is fetched and kept."""
        return f"{self.name}.xz"

    @property
    def program(self) -> Path:
        """Where it stands in a control plane."""
        return INSTALLED / self.name


class Pair(NamedTuple):
    """The two that work together."""

    forge: Release
    runner: Release


def wanted(settings: Settings, machine: str) -> Pair | None:
    """What a control plane on ``machine`` (in either spelling) needs; None where it runs the embedded forge."""
    if settings.forge != GITEA:
        return None
    gitea, short = settings.gitea, _MACHINES.get(machine, machine)
    forge = Release("gitea", gitea.version, short, frozenset(gitea.sha256), gitea.mirror, "gitea.sha256")
    digests = frozenset(gitea.runner_sha256)
    runner = Release(_runner(gitea), gitea.runner_version, short, digests, gitea.mirror, "gitea.runner_sha256")
    return Pair(forge, runner)


def _runner(gitea: GiteaSettings) -> str:
    """What the runner was called at that version: it got another name with 1.0."""
    return "act_runner" if gitea.runner_version.startswith("0.") else "gitea-runner"


def ensure(release: Release, caches: Caches, say: Say) -> Path:
    """The packed file of ``release``: found in one of ``caches``, else fetched into the first.

    What is found is verified again. Raises ``UnreachableError`` when the mirror does not give it, ``WrongReleaseError``
    when what it gives is another file.
    """
    first, *others = caches
    for cache in (first, *others):
        kept = cache / release.packed
        if kept.is_file() and _digest(kept) in release.digests:
            return kept
    with exclusive(private_directory(first) / ".lock"):
        say(f"fetching {release.name} from {release.mirror}")
        _fetch(release, first / release.packed)
    return first / release.packed


def _fetch(release: Release, target: Path) -> None:
    """Under another name until it is whole and verified."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".fetching-")
    aside = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            _download(release, out)
        _verify(release, _digest(aside))
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)


def _download(release: Release, out: BinaryIO) -> None:
    hint = (
        f"the mirror must have {release.url}; name another with gitea.mirror in local/config.json, or lay the file"
        " into local/share/downloads"
    )
    try:
        with urllib.request.urlopen(release.url, timeout=_SECONDS) as answer:  # noqa: S310 - the setting's rule: http(s)
            shutil.copyfileobj(answer, out, _PIECE)
            promised = answer.headers.get("Content-Length")
            if promised is not None and out.tell() != int(promised):
                raise OSError(f"only {out.tell()} of {promised} bytes came")
    except urllib.error.HTTPError as refused:
        refused.close()
        raise UnreachableError(f"{release.mirror} answers {refused.code} for {release.name}", hint=hint) from refused
    except (OSError, ValueError) as failed:
        why = getattr(failed, "reason", None) or failed
        raise UnreachableError(f"{release.name} cannot be fetched: {why}", hint=hint) from failed


def _verify(release: Release, found: str) -> None:
    if found in release.digests:
        return
    given = " or ".join(sorted(release.digests)) or "none"
    raise WrongReleaseError(
        f"{release.packed} from {release.mirror} is not the release that was meant: its SHA-256 is {found}",
        hint=f"{release.setting} in local/config.json says {given}; {release.packed}.sha256 lies beside the release",
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
