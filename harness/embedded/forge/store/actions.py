"""Queries for variables, secrets, runs, jobs, steps and runners."""

from __future__ import annotations

from harness.embedded.forge.store.database import Database
from harness.embedded.forge.store.records import Job, Run, Runner, Step, Variable

_VARIABLE = "owner_id, repo_id, name, data, description"
_RUNNER = "id, name, labels, owner_id, repo_id, created, heard"


def variables(db: Database, owner_id: int, repo_id: int) -> list[Variable]:
    """The variables of an owner (``repo_id`` 0) or of a repository (``owner_id`` 0)."""
    sql = f"SELECT {_VARIABLE} FROM variable WHERE owner_id = ? AND repo_id = ? ORDER BY id"  # noqa: S608
    return db.all(Variable, sql, owner_id, repo_id)


def variable(db: Database, owner_id: int, repo_id: int, name: str) -> Variable | None:
    """One of them, its name in capitals."""
    sql = f"SELECT {_VARIABLE} FROM variable WHERE owner_id = ? AND repo_id = ? AND name = ?"  # noqa: S608
    return db.one(Variable, sql, owner_id, repo_id, name)


def runs(db: Database, repo_id: int) -> list[Run]:
    """The runs of a repository, newest first."""
    return db.all(Run, "SELECT * FROM run WHERE repo_id = ? ORDER BY id DESC", repo_id)


def run(db: Database, key: int) -> Run | None:
    """One run."""
    return db.one(Run, "SELECT * FROM run WHERE id = ?", key)


def jobs(db: Database, run_id: int) -> list[Job]:
    """The jobs of a run in the order of the file."""
    return db.all(Job, "SELECT * FROM job WHERE run_id = ? ORDER BY id", run_id)


def job(db: Database, key: int) -> Job | None:
    """One job."""
    return db.one(Job, "SELECT * FROM job WHERE id = ?", key)


def jobs_of_repository(db: Database, repo_id: int) -> list[Job]:
    """The jobs of all runs of a repository, newest first."""
    return db.all(Job, "SELECT * FROM job WHERE repo_id = ? ORDER BY id DESC", repo_id)


def jobs_with_status(db: Database, status: str) -> list[Job]:
    """Jobs anywhere in that state, oldest first."""
    return db.all(Job, "SELECT * FROM job WHERE status = ? ORDER BY id", status)


def steps(db: Database, job_id: int) -> list[Step]:
    """The steps of a job, in order."""
    return db.all(Step, "SELECT * FROM step WHERE job_id = ? ORDER BY number", job_id)


def runners(db: Database, owner_id: int, repo_id: int) -> list[Runner]:
    """The runners registered for exactly that scope."""
    sql = f"SELECT {_RUNNER} FROM runner WHERE owner_id = ? AND repo_id = ? ORDER BY id"  # noqa: S608
    return db.all(Runner, sql, owner_id, repo_id)


def all_runners(db: Database) -> list[Runner]:
    """The runners of every scope."""
    return db.all(Runner, f"SELECT {_RUNNER} FROM runner ORDER BY id")  # noqa: S608


def runner(db: Database, key: int | None) -> Runner | None:
    """One runner."""
    return db.one(Runner, f"SELECT {_RUNNER} FROM runner WHERE id = ?", key)  # noqa: S608


def runner_by_digest(db: Database, digest: str) -> Runner | None:
    """The runner whose token has that digest."""
    return db.one(Runner, f"SELECT {_RUNNER} FROM runner WHERE digest = ?", digest)  # noqa: S608
