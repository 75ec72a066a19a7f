"""Reports of runs: one page of HTML each, which a pipeline hands over and people read.

A report belongs to a repository and, where it came from a job, to a run of Actions there. The forge keeps it as
``reports/<repository>/<name>@<run>.html`` in its state (by number: a rename moves nothing; run 0 is none) and forgets
the oldest. What stands in a report is a stranger's text: specs and programs had their say in it.
"""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.embedded.forge.errors import ForgeError, InvalidError
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.store import actions, repositories
from harness.embedded.forge.store.records import Repository
from harness.kit.files import private_directory, write_atomic

FOLDER = "reports"
MOST_BYTES = 5 * 1024 * 1024
KEPT_REPORTS = 100
KEPT_BYTES = 64 * 1024 * 1024
"""How much is kept for one repository; the newest report stays in any case."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True)
class Report:
    """One that is kept. ``run`` is the id of the run of Actions, 0 for none; ``written`` in seconds since the epoch."""

    name: str
    run: int
    written: float
    path: Path


def keep(forge: Forge, repository: Repository, name: str, document: Any) -> Report:
    """Keep the ``html`` of a document, in the place of an earlier one of that name; raises ``InvalidError``."""
    if not _NAME.fullmatch(name):
        raise InvalidError("name: letters, digits, '.', '_' and '-' are expected, at most 100")
    raw = document if isinstance(document, Mapping) else {}
    data, run = _html(raw.get("html")), _run(forge, repository, raw.get("run") or 0)
    with _LOCK:
        folder = private_directory(_folder(forge, repository.id))
        path = folder / f"{name}@{run}.html"
        write_atomic(path, data, mode=0o600)
        for older in folder.glob(f"{name}@*.html"):
            if older != path:
                older.unlink()
        forget_old(folder)
        _forget_repositories(forge)
    return _report(path)


def _html(sent: object) -> bytes:
    if not isinstance(sent, str) or not sent.strip():
        raise InvalidError("html: a text is expected")
    data = sent.encode(errors="replace")
    if len(data) > MOST_BYTES:
        raise ForgeError(f"html: a report of at most {MOST_BYTES // 1024**2} MiB is expected", status=413)
    return data


def _run(forge: Forge, repository: Repository, sent: object) -> int:
    if not isinstance(sent, int) or isinstance(sent, bool) or not 0 <= sent < 2**63:
        raise InvalidError("run: a number is expected")
    known = actions.run(forge.db, sent) if sent else None
    if sent and (known is None or known.repo_id != repository.id):
        raise InvalidError(f"run: {repository.full_name} has no run {sent}")
    return sent


def find(forge: Forge, repository: Repository, name: str) -> Report | None:
    """The report of that name."""
    if not _NAME.fullmatch(name):
        return None
    return next(map(_report, _folder(forge, repository.id).glob(f"{name}@*.html")), None)


def of_run(forge: Forge, repository: Repository, run: int) -> list[Report]:
    """What a run of Actions has handed over, newest first: each attempt has its own."""
    found = map(_report, _folder(forge, repository.id).glob(f"*@{run}.html"))
    return sorted(found, key=lambda one: one.written, reverse=True)


def read(report: Report) -> bytes | None:
    """Its HTML; ``None`` when it has been forgotten in between."""
    try:
        return report.path.read_bytes()
    except FileNotFoundError:
        return None


def _folder(forge: Forge, repo_id: int) -> Path:
    return forge.settings.state / FOLDER / str(repo_id)


def _report(path: Path) -> Report:
    name, _, run = path.stem.rpartition("@")
    return Report(name, int(run), path.stat().st_mtime, path)


def forget_old(folder: Path, most_reports: int = KEPT_REPORTS, most_bytes: int = KEPT_BYTES) -> None:
    """Remove the oldest reports of one repository, so that no more are left than that."""
    kept, size = 0, 0
    for path in sorted(folder.glob("*@*.html"), key=lambda one: one.stat().st_mtime_ns, reverse=True):
        kept, size = kept + 1, size + path.stat().st_size
        if kept > 1 and (kept > most_reports or size > most_bytes):
            path.unlink()


def _forget_repositories(forge: Forge) -> None:
    """What belonged to a repository that is gone; their numbers are never given again."""
    for folder in (forge.settings.state / FOLDER).iterdir():
        if not folder.name.isdigit() or repositories.by_id(forge.db, int(folder.name)) is None:
            shutil.rmtree(folder)
