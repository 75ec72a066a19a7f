"""Faults on demand: a plan of what goes wrong, where, how often, and with which chance.

A plan is a table with ``seed`` and a list ``fault``; each fault has an ``action`` and says what it is for. The
documentation page lists the actions; an unknown key is an error, so that a plan with a slip is not a plan that does
nothing.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

ACTIONS = frozenset(
    (
        *("slow", "answer", "lose-reply", "reset", "expire-tickets", "change-certificate", "reboot"),
        *("fail-task", "hold-lock", "storage-full", "drop-privilege"),
    )
)
ONCE = frozenset(("expire-tickets", "change-certificate", "reboot"))
"""What is done a single time unless ``count`` says otherwise."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. Patterns are those of file names (``*``, ``?``)."""

    action: str
    path: str = "*"
    method: str = "*"
    task: str = "*"
    storage: str = "*"
    user: str = "*"
    vmid: int | None = None
    privilege: str = "*"
    after: int = 0
    count: int | None = None
    probability: float = 1.0
    seconds: float = 1.0
    status: int = 500
    text: str = "fault on demand"

    def fits(self, facts: Mapping[str, Any]) -> bool:
        """Whether it is meant for what is about to happen."""
        if self.vmid is not None and "vmid" in facts and str(facts["vmid"]) != str(self.vmid):
            return False
        if self.vmid is not None and facts.get("vmid") is None:
            return False
        named = ("path", "method", "task", "storage", "user")
        return all(fnmatchcase(str(facts[name]), getattr(self, name)) for name in named if name in facts)


def parse(given: Any) -> tuple[int, tuple[Fault, ...]]:
    """Seed and faults of a plan; raises ``ValueError`` naming what is wrong with it."""
    if not isinstance(given, Mapping) or set(given) - {"seed", "fault"}:
        raise ValueError("a plan has the keys seed and fault, and no others")
    found = [_fault(number, item) for number, item in enumerate(given.get("fault", ()), 1)]
    return int(given.get("seed", 0)), tuple(found)


def _fault(number: int, item: Any) -> Fault:
    known = {field.name: field.type for field in fields(Fault)}
    if not isinstance(item, Mapping) or item.get("action") not in ACTIONS:
        raise ValueError(f"fault {number}: action must be one of {', '.join(sorted(ACTIONS))}")
    for key, value in item.items():
        if key not in known:
            raise ValueError(f"fault {number}: there is no key '{key}'")
        number_wanted = key in ("vmid", "after", "count", "probability", "seconds", "status")
        if isinstance(value, bool) or number_wanted != isinstance(value, (int, float)):
            raise ValueError(f"fault {number}: {key} must be a {'number' if number_wanted else 'text'}")
    fault = Fault(**item)
    if fault.count is None and fault.action in ONCE:
        return Fault(**{**asdict(fault), "count": 1})
    return fault


class Plan:
    """The faults in force, and how often each has been looked at and has struck."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: tuple[Fault, ...] = ()
        self._seen: list[int] = []
        self._struck: list[int] = []
        self._random = random.Random(0)  # noqa: S311 - a repeatable choice, no secret

    def set(self, given: Any) -> None:
        """Replace the plan; raises ``ValueError`` and keeps the old one when the new one is wrong."""
        seed, found = parse(given)
        with self._lock:
            self._faults, self._seen, self._struck = found, [0] * len(found), [0] * len(found)
            self._random = random.Random(seed)  # noqa: S311

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self.set({})

    def take(self, *actions: str, **facts: Any) -> Fault | None:
        """The first fault of these actions that strikes now; it is counted."""
        if not self._faults:
            return None
        with self._lock:
            return next(self._striking(actions, facts), None)

    def _striking(self, actions: tuple[str, ...], facts: Mapping[str, Any]) -> Iterator[Fault]:
        for index, fault in enumerate(self._faults):
            if fault.action not in actions or not fault.fits(facts):
                continue
            self._seen[index] += 1
            spent = fault.count is not None and self._struck[index] >= fault.count
            if spent or self._seen[index] <= fault.after or self._random.random() >= fault.probability:
                continue
            self._struck[index] += 1
            yield fault

    def in_force(self, action: str, **facts: Any) -> list[Fault]:
        """The faults of a lasting action that are meant for this; they are not counted."""
        return [fault for fault in self._faults if fault.action == action and fault.fits(facts)]

    def shown(self) -> list[dict[str, Any]]:
        """The plan with its counts."""
        with self._lock:
            counts = zip(self._faults, self._seen, self._struck, strict=True)
            return [{**asdict(fault), "seen": seen, "struck": struck} for fault, seen, struck in counts]
