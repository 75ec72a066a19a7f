"""Queries for labels."""

from __future__ import annotations

from dataclasses import dataclass

from harness.embedded.forge.store.database import Database, marks


@dataclass(frozen=True, slots=True)
class Label:
    """A word with a colour; of a repository, or of an organisation for all of its repositories."""

    id: int
    owner_id: int | None
    repo_id: int | None
    name: str
    color: str
    description: str
    exclusive: bool
    archived: bool


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose labels: one of the two is given."""

    owner_id: int | None = None
    repo_id: int | None = None


def of(db: Database, holder: Holder) -> list[Label]:
    """The labels of a repository or of an organisation, by name."""
    sql = "SELECT * FROM label WHERE owner_id IS ? AND repo_id IS ? ORDER BY name, id"
    return db.all(Label, sql, holder.owner_id, holder.repo_id)


def ids(db: Database, pull_id: int) -> list[int]:
    """The numbers of the labels that a pull request carries."""
    return db.column("SELECT label_id FROM pull_label WHERE pull_id = ?", pull_id)


def carried(db: Database, pull_id: int) -> list[Label]:
    """The labels that a pull request carries, by name."""
    found = ids(db, pull_id)
    return db.all(Label, f"SELECT * FROM label WHERE id IN ({marks(found)}) ORDER BY name, id", *found)  # noqa: S608
