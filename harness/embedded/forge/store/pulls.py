"""Queries for pull requests, comments and reviews."""

from __future__ import annotations

from harness.embedded.forge.store.database import Database
from harness.embedded.forge.store.records import Account, Comment, Pull, Review


def by_number(db: Database, repo_id: int, number: int) -> Pull | None:
    """A pull request of a repository."""
    return db.one(Pull, "SELECT * FROM pull WHERE repo_id = ? AND number = ?", repo_id, number)


def by_id(db: Database, key: int) -> Pull | None:
    """A pull request."""
    return db.one(Pull, "SELECT * FROM pull WHERE id = ?", key)


def of_repository(db: Database, repo_id: int) -> list[Pull]:
    """All of them, newest first."""
    return db.all(Pull, "SELECT * FROM pull WHERE repo_id = ? ORDER BY id DESC", repo_id)


def open_from(db: Database, head_repo_id: int, head: str) -> list[Pull]:
    """Open ones whose head is that branch."""
    sql = "SELECT * FROM pull WHERE head_repo_id = ? AND head = ? AND closed = 0 ORDER BY id"
    return db.all(Pull, sql, head_repo_id, head)


def open_onto(db: Database, repo_id: int, base: str) -> list[Pull]:
    """Open ones that want into that branch."""
    return db.all(Pull, "SELECT * FROM pull WHERE repo_id = ? AND base = ? AND closed = 0 ORDER BY id", repo_id, base)


def open_between(db: Database, repo_id: int, base: str, head_repo_id: int, head: str) -> Pull | None:
    """The open one for exactly these branches."""
    sql = "SELECT * FROM pull WHERE repo_id = ? AND base = ? AND head_repo_id = ? AND head = ? AND closed = 0"
    return db.one(Pull, sql, repo_id, base, head_repo_id, head)


def newest_between(db: Database, repo_id: int, base: str, head_repo_id: int, head: str) -> Pull | None:
    """The newest one for these branches, open or not."""
    sql = """SELECT * FROM pull WHERE repo_id = ? AND base = ? AND head_repo_id = ? AND head = ?
             ORDER BY closed, id DESC"""
    return db.one(Pull, sql, repo_id, base, head_repo_id, head)


def with_intent(db: Database) -> list[Pull]:
    """Those whose merge was begun and not noted as done."""
    return db.all(Pull, "SELECT * FROM pull WHERE intent IS NOT NULL AND merged = 0")


def comments(db: Database, pull_id: int) -> list[Comment]:
    """What was said, oldest first."""
    return db.all(Comment, "SELECT * FROM comment WHERE pull_id = ? ORDER BY id", pull_id)


def comment(db: Database, repo_id: int, key: int) -> Comment | None:
    """One comment, if it belongs to that repository."""
    sql = "SELECT c.* FROM comment c JOIN pull p ON p.id = c.pull_id WHERE c.id = ? AND p.repo_id = ?"
    return db.one(Comment, sql, key, repo_id)


def reviews(db: Database, pull_id: int) -> list[Review]:
    """The verdicts, oldest first."""
    return db.all(Review, "SELECT * FROM review WHERE pull_id = ? ORDER BY id", pull_id)


def persons(db: Database, pull_id: int, role: str) -> list[Account]:
    """Assignees or requested reviewers."""
    sql = """SELECT a.* FROM account a JOIN pull_person p ON p.user_id = a.id
             WHERE p.pull_id = ? AND p.role = ? ORDER BY p.rowid"""
    return db.all(Account, sql, pull_id, role)
