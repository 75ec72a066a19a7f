"""What a stage brings back: what it changed and what it saw. Goes into the journal, the progress and the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The outcome of a stage that did not raise."""

    changed: tuple[str, ...] = ()
    """What was changed, one name each as people read it (``file[/etc/motd]``, ``memory``); empty: it held already."""
    facts: Mapping[str, Plain] = field(default_factory=dict)
    """Small, JSON-able: engine, address, resource counts, durations."""
    log: str = ""
    """The tail of what was printed, for the report."""
