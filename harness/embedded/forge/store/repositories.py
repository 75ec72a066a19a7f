"""Queries for repositories and what hangs on them directly."""

from __future__ import annotations

from harness.embedded.forge.store.database import Database
from harness.embedded.forge.store.records import Protection, Release, Repository, Status

_SELECT = """SELECT r.*, a.name AS owner_name,
  (SELECT count(*) FROM repository f WHERE f.fork_of = r.id) AS forks,
  (SELECT count(*) FROM pull p WHERE p.repo_id = r.id AND p.closed = 0) AS open_pulls,
  (SELECT count(*) FROM release e WHERE e.repo_id = r.id AND e.only_tag = 0 AND e.draft = 0) AS releases
  FROM repository r JOIN account a ON a.id = r.owner_id """


def by_id(db: Database, key: int | None) -> Repository | None:
    """One repository."""
    return db.one(Repository, _SELECT + "WHERE r.id = ?", key)


def by_name(db: Database, owner_id: int, name: str) -> Repository | None:
    """The repository of that name in any case."""
    return db.one(Repository, _SELECT + "WHERE r.owner_id = ? AND r.lower_name = ?", owner_id, name.lower())


def redirected(db: Database, owner_id: int, name: str) -> Repository | None:
    """The repository that once had that name."""
    sql = "SELECT repo_id FROM repository_redirect WHERE owner_id = ? AND lower_name = ?"
    return by_id(db, db.value(sql, owner_id, name.lower()))


def owned(db: Database, owner_id: int) -> list[Repository]:
    """Everything an account owns, by name."""
    return db.all(Repository, _SELECT + "WHERE r.owner_id = ? ORDER BY r.lower_name", owner_id)


def every(db: Database) -> list[Repository]:
    """Everything, by owner and name."""
    return db.all(Repository, _SELECT + "ORDER BY a.lower_name, r.lower_name")


def forks(db: Database, repo_id: int) -> list[Repository]:
    """What was forked from it."""
    return db.all(Repository, _SELECT + "WHERE r.fork_of = ? ORDER BY r.id", repo_id)


def fork_owned_by(db: Database, repo_id: int, owner_id: int) -> Repository | None:
    """The fork that an account has of it."""
    return db.one(Repository, _SELECT + "WHERE r.fork_of = ? AND r.owner_id = ?", repo_id, owner_id)


def permission(db: Database, repo_id: int, user_id: int) -> str | None:
    """What a collaborator may: read, write or admin."""
    sql = "SELECT permission FROM collaborator WHERE repo_id = ? AND user_id = ?"
    found = db.value(sql, repo_id, user_id)
    return str(found) if found else None


def protections(db: Database, repo_id: int) -> list[Protection]:
    """The rules for branches, oldest first."""
    return db.all(Protection, "SELECT * FROM protection WHERE repo_id = ? ORDER BY id", repo_id)


def statuses(db: Database, repo_id: int, sha: str) -> list[Status]:
    """Everything that checks said of a commit, newest first."""
    return db.all(Status, "SELECT * FROM status WHERE repo_id = ? AND sha = ? ORDER BY id DESC", repo_id, sha)


def releases(db: Database, repo_id: int) -> list[Release]:
    """Tags with notes, newest first."""
    sql = "SELECT * FROM release WHERE repo_id = ? AND only_tag = 0 ORDER BY created DESC, id DESC"
    return db.all(Release, sql, repo_id)


def release_of_tag(db: Database, repo_id: int, tag: str) -> Release | None:
    """The row of a tag, with or without notes."""
    return db.one(Release, "SELECT * FROM release WHERE repo_id = ? AND tag = ?", repo_id, tag)


def known_refs(db: Database, repo_id: int) -> dict[str, str]:
    """The refs whose movements have been told to everybody."""
    rows = db.connection.execute("SELECT ref, sha FROM known_ref WHERE repo_id = ?", (repo_id,))
    return {row[0]: row[1] for row in rows}
