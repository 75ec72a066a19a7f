"""Whether an event starts a workflow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.embedded.forge.workflows import globs
from harness.embedded.forge.workflows.model import Filter, Triggers

_DEFAULT_TYPES = ("opened", "synchronize", "reopened")


@dataclass(frozen=True, slots=True)
class Event:
    """What happened: a ref that was pushed (full), or a pull request onto ``branch``; ``paths`` are what changed."""

    name: str
    ref: str = ""
    branch: str = ""
    action: str = ""
    paths: tuple[str, ...] = ()


def fits(patterns: Sequence[str], text: str) -> bool:
    """Whether the last pattern that matches is no exclusion (``!``)."""
    found = False
    for pattern in patterns:
        if pattern.startswith("!"):
            found = found and not globs.matches(pattern[1:], text)
        else:
            found = found or globs.matches(pattern, text)
    return found


def starts(triggers: Triggers, event: Event) -> bool:
    """Whether the event starts the workflow."""
    wanted = triggers.events.get(event.name)
    if wanted is None:
        return False
    if event.name == "push":
        return _push(wanted, event) and _paths(wanted, event)
    if event.name in {"pull_request", "pull_request_target"}:
        types = wanted.types or _DEFAULT_TYPES
        return event.action in types and _branch(wanted, event.branch) and _paths(wanted, event)
    return True


def _push(wanted: Filter, event: Event) -> bool:
    names_branches = wanted.branches is not None or wanted.branches_ignore is not None
    names_tags = wanted.tags is not None or wanted.tags_ignore is not None
    if event.ref.startswith("refs/tags/"):
        return _named(wanted.tags, wanted.tags_ignore, event.ref[10:]) if names_tags else not names_branches
    return _branch(wanted, event.ref[11:]) if names_branches else not names_tags


def _branch(wanted: Filter, branch: str) -> bool:
    return _named(wanted.branches, wanted.branches_ignore, branch)


def _named(include: Sequence[str] | None, exclude: Sequence[str] | None, name: str) -> bool:
    if include is not None and not fits(include, name):
        return False
    return exclude is None or not fits(exclude, name)


def _paths(wanted: Filter, event: Event) -> bool:
    if wanted.paths is not None and not any(fits(wanted.paths, path) for path in event.paths):
        return False
    if wanted.paths_ignore is None or not event.paths:
        return True
    return not all(fits(wanted.paths_ignore, path) for path in event.paths)
