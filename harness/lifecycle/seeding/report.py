"""What seeding did, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.forge.model import Pull


class Outcome(StrEnum):
    """What became of one repository's ``main``."""

    CREATED = "created"
    MOVED = "moved forward"
    UNCHANGED = "unchanged"
    ASKED = "pull request"
    """The forge has commits that the working tree lacks: its changes wait in a pull request."""
    AHEAD = "the forge is ahead"
    """The forge has commits that the working tree lacks, and the working tree has nothing new."""


@dataclass(frozen=True, slots=True)
class SeededRepository:
    """One repository. ``head`` is what its ``main`` holds now."""

    slug: str
    outcome: Outcome
    head: str
    request: Pull | None = None
    """The pull request in which the working tree's changes wait."""
    release: Pull | None = None
    """The open pull request from ``main`` to ``release``; None when all of it is released."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seeded:
    """One seeding. ``content`` is the hash of the whole working tree."""

    repositories: tuple[SeededRepository, ...]
    archived: tuple[str, ...]
    content: str
    seconds: float

    @property
    def config(self) -> SeededRepository:
        """The repository that holds the others."""
        return next(entry for entry in self.repositories if entry.slug == "main/config")

    @property
    def release(self) -> Pull | None:
        """The pull request that deploys everything when it is accepted."""
        return self.config.release

    @property
    def changed(self) -> bool:
        """Whether anything on the forge is different now."""
        quiet = {Outcome.UNCHANGED, Outcome.AHEAD}
        return bool(self.archived) or any(entry.outcome not in quiet for entry in self.repositories)
