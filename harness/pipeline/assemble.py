"""Brings a checkout of the monorepo to the commits that a job deploys. What is laid out here is merged: it may run."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Final

from harness.kit import process
from harness.lifecycle.seeding import names, releases
from harness.lifecycle.seeding.desk import remote_of
from harness.pipeline.door import Office
from harness.pipeline.proposed import Piece
from harness.pipeline.scope import Scope
from harness.repo.objects import SUBMODULE
from harness.repo.remote import Remote, failure

_SECONDS: Final = 300.0
_AT_ONCE: Final = 8


def assemble(office: Office, where: Scope) -> tuple[str, ...]:
    """Lay every part into the checkout: the job's own commit, else what the monorepo points to, else, for a release of
    the whole monorepo, what the part has released since. A job's own steps fetch the harness alone.

    The notes say which parts are newer than the monorepo's pointer. Raises ``RemoteError`` or ``RemoteUnreachable``.
    """
    job, forge = office.require()
    remote = remote_of(forge)
    overruled = newer(office, job.sha) if where.whole else {}
    found = {place: _piece(place, sha) for place, sha in {**pointed(office.root), **overruled}.items()}
    if not where.whole:
        found[where.place] = Piece(job.repository, job.sha, where.place)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda piece: lay(office.root, piece, remote), found.values()))
    return tuple(f"{place}: released at {sha[:12]}, newer than the pointer to it" for place, sha in overruled.items())


def pointed(root: Path) -> dict[str, str]:
    """Place → commit of the parts that the monorepo's checkout at ``root`` points to."""
    listed = process.run(["git", "ls-tree", "-r", "-z", "HEAD"], cwd=root).text.split("\0")
    entries = [line.partition("\t") for line in listed if line]
    return {place: kind.split()[2] for kind, _, place in entries if kind.split()[0] == SUBMODULE}


def _piece(place: str, sha: str) -> Piece:
    return Piece(names.part(PurePosixPath(place).name), sha, place)


def newer(office: Office, sha: str) -> dict[str, str]:
    """Place → commit of parts whose own release is newer than what commit ``sha`` of the monorepo points to."""
    _, forge = office.require()
    return {part.place: part.sha for part in releases.of_config(forge, office.scratch, sha) if part.overruled}


def lay(root: Path, piece: Piece, remote: Remote) -> None:
    """Let the directory ``piece.place`` hold exactly the commit's files."""
    place = root / piece.place
    if not (place / ".git").exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        _git(place, remote, piece, "init", "--quiet", ".")
    elif _head(place) == piece.sha:
        return
    _git(place, remote, piece, "fetch", "--quiet", "--depth=1", "--no-tags", remote.url(piece.slug), piece.sha)
    _git(place, remote, piece, "checkout", "--quiet", "--force", "--detach", "FETCH_HEAD")
    _git(place, remote, piece, "clean", "--quiet", "--force", "-d", "-x")


def _head(place: Path) -> str:
    done = process.run(["git", "rev-parse", "--verify", "--quiet", "HEAD"], cwd=place, check=False)
    return done.text.strip()


def _git(place: Path, remote: Remote, piece: Piece, *argv: str) -> None:
    options = ["-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false"]
    done = process.run(["git", *options, *argv], cwd=place, env=remote.environment(), timeout=_SECONDS, check=False)
    if done.code:
        raise failure(f"{piece.place} at {piece.sha[:12]} of {piece.slug}", done)
