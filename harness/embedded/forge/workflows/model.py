"""A workflow as values. Texts may hold ``${{ … }}``, which ``expressions`` fills in when a job starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Filter:
    """Which refs or paths an event concerns; ``None`` means no such filter, an empty one matches nothing."""

    branches: tuple[str, ...] | None = None
    branches_ignore: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    tags_ignore: tuple[str, ...] | None = None
    paths: tuple[str, ...] | None = None
    paths_ignore: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """An input of ``workflow_dispatch``."""

    default: str = ""
    required: bool = False
    type: str = "string"
    options: tuple[str, ...] = ()

    def takes(self, value: str) -> bool:
        """Whether it can be that."""
        if self.type == "boolean":
            return value in {"true", "false"}
        return not self.options or value in self.options

    def typed(self, value: str) -> str | bool:
        """What expressions see: a switch is no text, which would always count as true."""
        return value == "true" if self.type == "boolean" else value


@dataclass(frozen=True, slots=True)
class Triggers:
    """What starts the workflow: events with their filters, inputs, cron lines."""

    events: Mapping[str, Filter]
    inputs: Mapping[str, Input] = field(default_factory=dict)
    crons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A command. ``condition`` is an expression or empty; ``minutes`` a limit or ``None``."""

    name: str
    run: str
    env: Mapping[str, str]
    directory: str
    condition: str
    shell: str
    minutes: float | None
    ignore_failure: bool
    line: int


@dataclass(frozen=True, slots=True)
class Concurrency:
    """At most one job of a group at a time; ``cancel`` ends those under way."""

    group: str
    cancel: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """Steps on one runner that has all ``labels``."""

    key: str
    name: str
    needs: tuple[str, ...]
    labels: tuple[str, ...]
    condition: str
    env: Mapping[str, str]
    steps: tuple[Step, ...]
    minutes: float
    concurrency: Concurrency | None
    line: int


@dataclass(frozen=True, slots=True)
class Workflow:
    """A file."""

    file: str
    name: str
    triggers: Triggers
    env: Mapping[str, str]
    jobs: tuple[Job, ...]
    concurrency: Concurrency | None
