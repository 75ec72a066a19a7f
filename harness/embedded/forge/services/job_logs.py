"""Logs of jobs: a file each, a line with its time each, secrets masked before they reach the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from harness.embedded.forge.forge import Forge
from harness.embedded.forge.services import variables
from harness.embedded.forge.store import actions, repositories
from harness.embedded.forge.store.records import Job

_MASK = "***"
_SHORTEST = 4  # masking shorter values would blank out half of every log
_LONGEST_LINE = 65536


def path(forge: Forge, job_id: int) -> Path:
    """Where the log of a job is."""
    return forge.settings.logs / f"{job_id}.log"


def append(forge: Forge, job: Job, at: int, lines: Sequence[str]) -> int:
    """Write ``lines``, the first of which is line ``at`` of the log; how many lines there are then.

    A runner that is not sure whether it was heard sends again: what is there already is left as it is.
    """
    with forge.lock(-job.id):
        held = int(forge.db.value("SELECT lines FROM job WHERE id = ?", job.id) or 0)
        new = list(lines[max(held - at, 0) :]) if at <= held else []
        if not new:
            return held
        masked = _masked(forge, job, new)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        data = "".join(f"{now} {line[:_LONGEST_LINE]}\n" for line in masked)
        descriptor = os.open(path(forge, job.id), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, data.encode(errors="replace"))
        finally:
            os.close(descriptor)
        forge.db.update("job", job.id, lines=held + len(new))
    forge.jobs.ring()
    return held + len(new)


def _masked(forge: Forge, job: Job, lines: Sequence[str]) -> list[str]:
    repository = repositories.by_id(forge.db, job.repo_id)
    found = variables.secrets_for(forge, repository).values() if repository else ()
    pieces = {piece for secret in found for piece in secret.reveal().splitlines() if len(piece) >= _SHORTEST}
    clean = [line.replace("\r", "").replace("\n", " ") for line in lines]
    for piece in sorted(pieces, key=len, reverse=True):
        clean = [line.replace(piece, _MASK) for line in clean]
    return clean


def read(forge: Forge, job_id: int, start: int = 0) -> list[str]:
    """The lines from ``start`` on, each beginning with its time."""
    try:
        with path(forge, job_id).open(encoding="utf-8", errors="replace") as stream:
            return [line.rstrip("\n") for number, line in enumerate(stream) if number >= start]
    except FileNotFoundError:
        return []


def stream(forge: Forge, job_id: int) -> Iterator[str]:
    """The lines one after the other, each beginning with its time: a log may be larger than memory."""
    try:
        with path(forge, job_id).open(encoding="utf-8", errors="replace", newline="\n") as found:
            for line in found:
                yield line.rstrip("\n")
    except FileNotFoundError:
        return


def truncate(forge: Forge, job_id: int) -> None:
    """Begin anew, for a job that is run again."""
    path(forge, job_id).unlink(missing_ok=True)
    forge.db.update("job", job_id, lines=0)


def wait(forge: Forge, job_id: int, start: int, seconds: float) -> list[str]:
    """The lines from ``start`` on, waiting for the first of them; empty when the time is over or the job has ended."""
    seen = forge.jobs.count
    found = read(forge, job_id, start)
    if found or _ended(forge, job_id):
        return found
    forge.jobs.wait(seen, seconds)
    return read(forge, job_id, start)


def _ended(forge: Forge, job_id: int) -> bool:
    job = actions.job(forge.db, job_id)
    return job is None or job.status == "completed"
