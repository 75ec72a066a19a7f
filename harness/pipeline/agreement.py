"""What a person agreed to by accepting a pull request: the plan that was posted, sealed so that nobody can forge it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from harness.lifecycle.plan import Action, ContainerPlan, Plan

_MARKER: Final = "gitops-agreement"
_LINE: Final = re.compile(rf"<!-- {_MARKER} (?P<text>[A-Za-z0-9_=-]+)\.(?P<seal>[0-9a-f]{{64}}) -->")
_DIGITS: Final = 16


class Level(IntEnum):
    """What a change entails for a container that is in use."""

    NONE = 0
    RESTART = 1
    REPLACE = 2

    @property
    def word(self) -> str:
        """For people."""
        return self.name.lower()


_OF_ACTION: Final = {Action.RESTART: Level.RESTART, Action.REPLACE: Level.REPLACE}


@dataclass(frozen=True, slots=True)
class Agreement:
    """A plan as it was posted. ``levels``: containers that it restarts or replaces; all others it leaves running."""

    digest: str
    levels: Mapping[str, Level] = field(default_factory=dict)
    head: str = ""
    """The proposed commit that the plan was made for."""

    @classmethod
    def on(cls, plan: Plan, head: str = "") -> Agreement:
        """What accepting ``plan`` means."""
        return cls(digest(plan), {entry.name: level(entry) for entry in plan.containers if level(entry)}, head)

    @property
    def replaced(self) -> frozenset[str]:
        """Containers that may be replaced."""
        return frozenset(name for name, agreed in self.levels.items() if agreed is Level.REPLACE)


NOTHING: Final = Agreement("")
"""Nobody has agreed to anything: whatever leaves containers running may be done."""


def level(entry: ContainerPlan) -> Level:
    """What one entry entails."""
    return _OF_ACTION.get(entry.action, Level.NONE)


def exceeding(plan: Plan, agreed: Agreement) -> tuple[ContainerPlan, ...]:
    """Entries of ``plan`` that restart or replace more than was agreed to."""
    return tuple(entry for entry in plan.pending if level(entry) > agreed.levels.get(entry.name, Level.NONE))


def went_stale(plan: Plan, agreed: Agreement) -> bool:
    """Whether ``plan`` is another than the one that was agreed to; False where nothing was."""
    return bool(agreed.digest) and agreed.digest != digest(plan)


def digest(plan: Plan) -> str:
    """Names what the plan does, whatever commit it was made at; 16 hex digits."""
    text = json.dumps([_essence(entry) for entry in plan.containers], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _essence(entry: ContainerPlan) -> list[Any]:
    changes = [[change.field, change.old, change.new, change.effect.value] for change in entry.changes]
    return [entry.name, entry.vmid, entry.node, entry.address, entry.action.value, entry.revision, changes]


def seal(agreed: Agreement, key: bytes, place: str) -> str:
    """An invisible line for a comment; ``place`` (repository and number) keeps it from meaning anything elsewhere."""
    levels = {name: int(agreed_level) for name, agreed_level in agreed.levels.items()}
    values = {"digest": agreed.digest, "levels": levels, "head": agreed.head}
    text = base64.urlsafe_b64encode(json.dumps(values, sort_keys=True).encode()).decode()
    return f"<!-- {_MARKER} {text}.{_sign(text, key, place)} -->"


def unseal(comment: str, key: bytes, place: str) -> Agreement | None:
    """The agreement in a comment; None when there is none that we have sealed for this place."""
    found = _LINE.search(comment)
    if found is None or not hmac.compare_digest(found["seal"], _sign(found["text"], key, place)):
        return None
    values = json.loads(base64.urlsafe_b64decode(found["text"]))
    levels = {str(name): Level(value) for name, value in values["levels"].items()}
    return Agreement(str(values["digest"]), levels, str(values["head"]))


def _sign(text: str, key: bytes, place: str) -> str:
    return hmac.new(key, f"{_MARKER}\0{place}\0{text}".encode(), hashlib.sha256).hexdigest()
