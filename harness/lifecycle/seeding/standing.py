"""Decides what seeding does with one repository. Pure: facts in, decision out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Move(Enum):
    """What to do with ``main``."""

    START = auto()
    """Nothing is there: begin it."""
    KEEP = auto()
    """It holds what the working tree holds."""
    FORWARD = auto()
    """The working tree knows all that is there: put a commit on top."""
    WAIT = auto()
    """It has more than the working tree, which has nothing new."""
    ASK = auto()
    """Both have something that the other lacks: propose, never overwrite."""


@dataclass(frozen=True, slots=True)
class Base:
    """A commit that the working tree is known to come from, and how it stands to the forge's ``main``."""

    sha: str
    essence: str
    holds_head: bool
    """``main`` is this commit or older."""
    in_head: bool
    """``main`` is this commit or follows it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one repository.

    An essence is a tree without what is not the working tree's own: pointers to parts, and files laid in. Pointers
    move by themselves, and nobody lacks a commit that only moved them.
    """

    tree: str
    essence: str
    head: str | None
    head_tree: str | None
    head_essence: str | None
    bases: tuple[Base, ...]
    """The likeliest first."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and on top of which commit (None: the common beginning of all repositories)."""

    move: Move
    parent: str | None


def decide(standing: Standing) -> Decision:
    """What seeding does with this repository."""
    newest = standing.bases[0].sha if standing.bases else None
    if standing.head is None:
        return Decision(Move.START, newest)
    if standing.head_tree == standing.tree:
        return Decision(Move.KEEP, standing.head)
    if any(_knows(base, standing) for base in standing.bases):
        return Decision(Move.FORWARD, standing.head)
    if any(base.in_head and base.essence == standing.essence for base in standing.bases):
        return Decision(Move.WAIT, standing.head)
    return Decision(Move.ASK, newest)


def _knows(base: Base, standing: Standing) -> bool:
    """Whether all of ``main`` is known to a working tree that comes from ``base``."""
    return base.holds_head or (base.in_head and base.essence == standing.head_essence)
