"""Whose turn it is: groups that need each other, handed to workers. Pure, knows nothing of pytest.

A group is everything that is done to one container, run by one worker from its first item to its last. It is ready
when the groups it needs have ended, however they ended: what a failure means for dependants is decided where the
items run. A group that needs itself through others would wait for ever, so when nothing runs and nothing is ready,
the first group in line is handed out all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Group:
    """One group: its items in order. ``closing``: the last item is of no consequence and nobody waits for it."""

    name: str
    pending: list[str]
    closing: bool = False

    @property
    def ended(self) -> bool:
        """Whether groups that need this one may start."""
        return len(self.pending) <= (1 if self.closing else 0)


@dataclass(slots=True)
class _Place:
    """What one worker has been given and not finished, in order."""

    groups: list[Group] = field(default_factory=list)

    @property
    def pending(self) -> int:
        return sum(len(group.pending) for group in self.groups)


class Turns:
    """Hands groups to workers. ``needs`` maps a group to those that must end before it; unknown names do not count."""

    def __init__(self, groups: Sequence[Group], needs: Mapping[str, Sequence[str]]) -> None:
        self._waiting = {group.name: group for group in groups}
        known = frozenset(self._waiting)
        self._needs = {name: frozenset(needs.get(name, ())) & known - {name} for name in known}
        self._ended: set[str] = set()
        self._places: dict[str, _Place] = {}
        self._order = sorted(known, key=lambda name: (-self._weight(name), list(self._waiting).index(name)))

    def _weight(self, name: str) -> int:
        """How many groups wait for ``name``, directly or through others: the longest way goes first."""
        reached: set[str] = set()
        front = {name}
        while front:
            front = {other for other, needed in self._needs.items() if needed & front} - reached
            reached |= front
        return len(reached)

    @property
    def waiting(self) -> int:
        """Groups that no worker has yet."""
        return len(self._waiting)

    @property
    def workers(self) -> tuple[str, ...]:
        """Workers that take part."""
        return tuple(self._places)

    def pending_of(self, worker: str) -> int:
        """Items that ``worker`` was given and has not finished."""
        return self._places[worker].pending

    def join(self, worker: str) -> None:
        """A worker is there."""
        self._places.setdefault(worker, _Place())

    def take(self, worker: str) -> Group | None:
        """The next group for ``worker``, which then has it; None: nothing is ready, or it still has work.

        A worker with one item left counts as free: pytest-xdist starts the last item it holds only when another
        follows.
        """
        place = self._places[worker]
        if place.pending > 1:
            return None
        name = self._next()
        if name is None:
            return None
        group = self._waiting.pop(name)
        place.groups.append(group)
        return group

    def done(self, worker: str, item: str) -> None:
        """``worker`` finished ``item``."""
        place = self._places[worker]
        for group in place.groups:
            if item in group.pending:
                group.pending.remove(item)
                self._note(group)
                break
        place.groups = [group for group in place.groups if group.pending]

    def leave(self, worker: str) -> str | None:
        """``worker`` is gone. Returns the item it must have been running, which is not given out again.

        The rest of what it had goes back to the head of the line.
        """
        place = self._places.pop(worker)
        crashed = place.groups[0].pending.pop(0) if place.pending else None
        rest = {group.name: group for group in place.groups if group.pending}
        for group in place.groups:
            self._note(group)
        self._waiting = {**rest, **self._waiting}
        return crashed

    def _note(self, group: Group) -> None:
        if group.ended:
            self._ended.add(group.name)

    def _next(self) -> str | None:
        in_line = [name for name in self._order if name in self._waiting]
        ready = (name for name in in_line if self._needs[name] <= self._ended)
        stuck = in_line and not self._running()
        return next(ready, in_line[0] if stuck else None)

    def _running(self) -> bool:
        return any(not group.ended for place in self._places.values() for group in place.groups)
