"""What would be done to each container, and why: a pure comparison of inventory and observation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """The kinds of change, from nothing to everything."""

    UNCHANGED = "unchanged"
    VERIFY = "verify only"
    CONVERGE = "converge only"
    CHANGE = "change in place"
    RESTART = "change needs restart"
    REPLACE = "replace"
    CREATE = "create"
    REFUSED = "refused"


class Effect(StrEnum):
    """What changing a field entails."""

    HOT = "hot"
    RESTART = "restart"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field, old → new, as people read it."""

    field: str
    old: str | None
    new: str | None
    effect: Effect


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """What one container is in for."""

    name: str
    vmid: int
    node: str
    hostname: str
    address: str
    action: Action
    reason: str
    changes: tuple[FieldChange, ...] = ()
    revision: str = ""
    """The revision that *release* will stamp."""
    digest: str | None = None
    """PVE's digest of the configuration that was observed; every write passes it."""
    deployed_here: bool = True
    """False for the control plane's own container, which is planned but deployed only when it is asked for by name."""
    hint: str = ""
    needs: tuple[str, ...] = ()
    """Names of the containers that must be verified before this one starts."""

    @property
    def does_something(self) -> bool:
        """Whether deploy would run any stage for it."""
        return self.deployed_here and self.action not in (Action.UNCHANGED, Action.REFUSED)


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A container of this repository that it does not describe any more. No command touches it."""

    name: str
    """What its library was called."""
    vmid: int
    node: str
    status: str
    hint: str = ""
    """What removes it by hand; empty where a node has no shell."""

    @property
    def reason(self) -> str:
        """Why nothing is done about it."""
        return "left alone: its library is no longer here"


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole plan, in deployment order."""

    target: str
    monorepo: str
    commit: str | None
    containers: tuple[ContainerPlan, ...]
    left: tuple[LeftAlone, ...] = ()
    """Named in a plan of everything only; nothing is done about them, so they are no changes."""

    @property
    def pending(self) -> tuple[ContainerPlan, ...]:
        """Those that deploy would touch."""
        return tuple(entry for entry in self.containers if entry.does_something)

    @property
    def refused(self) -> tuple[ContainerPlan, ...]:
        """Those that no command may touch."""
        return tuple(entry for entry in self.containers if entry.action is Action.REFUSED)
