"""Queries for pages that show much at once: one line for each run or pull request, never the payload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.embedded.forge.store.database import Database, marks
from harness.embedded.forge.store.records import Account, Status

MOST = 900  # below SQLite's limit of variables in a statement


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run as a list shows it."""

    id: int
    repo_id: int
    number: int
    file: str
    name: str
    title: str
    event: str
    ref: str
    sha: str
    status: str
    conclusion: str | None
    created: int
    started: int | None
    ended: int | None
    actor: str
    repository: str

    @property
    def branch(self) -> str:
        """The short name of its ref."""
        return self.ref.removeprefix("refs/heads/").removeprefix("refs/tags/")


@dataclass(frozen=True, slots=True)
class PullLine:
    """A pull request as a list shows it."""

    id: int
    repo_id: int
    number: int
    title: str
    author: str
    head: str
    base: str
    head_sha: str
    closed: bool
    merged: bool
    created: int
    updated: int
    comments: int
    repository: str


_RUN = """SELECT r.id, r.repo_id, r.number, r.file, r.name, r.title, r.event, r.ref, r.sha, r.status, r.conclusion,
  r.created, r.started, r.ended, coalesce(u.name, 'Ghost') AS actor, o.name || '/' || p.name AS repository
  FROM run r JOIN repository p ON p.id = r.repo_id JOIN account o ON o.id = p.owner_id
  LEFT JOIN account u ON u.id = r.actor_id """
_PULL = """SELECT q.id, q.repo_id, q.number, q.title, coalesce(u.name, 'Ghost') AS author, q.head, q.base, q.head_sha,
  q.closed, q.merged, q.created, q.updated, (SELECT count(*) FROM comment c WHERE c.pull_id = q.id) AS comments,
  o.name || '/' || p.name AS repository
  FROM pull q JOIN repository p ON p.id = q.repo_id JOIN account o ON o.id = p.owner_id
  LEFT JOIN account u ON u.id = q.user_id """


def runs(
    db: Database, repo_ids: Sequence[int], *, limit: int, skip: int = 0, file: str = "", status: str = ""
) -> list[RunLine]:
    """Runs of these repositories, newest first; ``status`` is running, waiting or a conclusion."""
    where, values = _run_filter(repo_ids, file, status)
    return db.all(RunLine, f"{_RUN} WHERE {where} ORDER BY r.id DESC LIMIT ? OFFSET ?", *values, limit, skip)


def count_runs(db: Database, repo_ids: Sequence[int], *, file: str = "", status: str = "") -> int:
    """How many ``runs`` there are without a limit."""
    where, values = _run_filter(repo_ids, file, status)
    return int(db.value(f"SELECT count(*) FROM run r WHERE {where}", *values))  # noqa: S608


def _run_filter(repo_ids: Sequence[int], file: str, status: str) -> tuple[str, list[object]]:
    known = list(repo_ids)[:MOST]
    where, values = [f"r.repo_id IN ({marks(known)})"], list[object](known)
    if file:
        where.append("r.file = ?")
        values.append(file)
    if status in {"running", "waiting", "blocked"}:
        where.append("r.status = ?")
        values.append(status)
    elif status:
        where.append("r.status = 'completed' AND r.conclusion = ?")
        values.append(status)
    return " AND ".join(where), values


def newest_runs(db: Database, repo_ids: Sequence[int]) -> dict[int, RunLine]:
    """The newest run of each repository that has one."""
    known = list(repo_ids)[:MOST]
    sql = f"{_RUN} WHERE r.id IN (SELECT max(id) FROM run WHERE repo_id IN ({marks(known)}) GROUP BY repo_id)"  # noqa: S608
    return {one.repo_id: one for one in db.all(RunLine, sql, *known)}


@dataclass(frozen=True, slots=True)
class Schedule:
    """A workflow that runs by the clock: its cron line, and when it is due next."""

    repo_id: int
    file: str
    cron: str
    due: int


def schedules(db: Database, repo_ids: Sequence[int]) -> list[Schedule]:
    """What runs by the clock in these repositories, what comes first first."""
    known = list(repo_ids)[:MOST]
    return db.all(Schedule, f"SELECT * FROM schedule WHERE repo_id IN ({marks(known)}) ORDER BY due", *known)  # noqa: S608


def run_files(db: Database, repo_id: int) -> list[str]:
    """The workflow files that the repository's runs came from."""
    return db.column("SELECT DISTINCT file FROM run WHERE repo_id = ? ORDER BY file", repo_id)


def runs_of_commit(db: Database, repo_id: int, sha: str) -> list[RunLine]:
    """The runs that a commit started, newest first."""
    return db.all(RunLine, f"{_RUN} WHERE r.repo_id = ? AND r.sha = ? ORDER BY r.id DESC LIMIT 20", repo_id, sha)


def pulls(db: Database, repo_ids: Sequence[int], *, closed: bool, limit: int, skip: int = 0) -> list[PullLine]:
    """Pull requests of these repositories, the one that changed last first."""
    known = list(repo_ids)[:MOST]
    sql = f"{_PULL} WHERE q.repo_id IN ({marks(known)}) AND q.closed = ? ORDER BY q.updated DESC, q.id DESC "
    return db.all(PullLine, f"{sql} LIMIT ? OFFSET ?", *known, int(closed), limit, skip)


def count_pulls(db: Database, repo_ids: Sequence[int], *, closed: bool) -> int:
    """How many there are."""
    known = list(repo_ids)[:MOST]
    sql = f"SELECT count(*) FROM pull WHERE repo_id IN ({marks(known)}) AND closed = ?"  # noqa: S608
    return int(db.value(sql, *known, int(closed)))


def statuses(db: Database, shas: Sequence[str]) -> dict[tuple[int, str], list[Status]]:
    """What checks say of these commits, newest first, by repository and commit."""
    known = list(dict.fromkeys(shas))[:MOST]
    found: dict[tuple[int, str], list[Status]] = {}
    sql = f"SELECT * FROM status WHERE sha IN ({marks(known)}) ORDER BY id DESC"  # noqa: S608
    for one in db.all(Status, sql, *known):
        found.setdefault((one.repo_id, one.sha), []).append(one)
    return found


def accounts_by_id(db: Database, keys: Sequence[int]) -> dict[int, Account]:
    """Several accounts at once."""
    known = list(dict.fromkeys(keys))[:MOST]
    rows = db.all(Account, f"SELECT * FROM account WHERE id IN ({marks(known)})", *known)  # noqa: S608
    return {one.id: one for one in rows}


def accounts_by_email(db: Database, addresses: Sequence[str]) -> dict[str, str]:
    """The names of people by their addresses in small letters."""
    known = list(dict.fromkeys(one.lower() for one in addresses))[:MOST]
    sql = (
        f"SELECT lower(email), name FROM account WHERE organisation = 0 AND id > 0 AND lower(email) IN ({marks(known)})"  # noqa: S608
    )
    return {row[0]: row[1] for row in db.connection.execute(sql, known)}
