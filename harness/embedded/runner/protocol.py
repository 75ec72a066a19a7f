"""A job as the forge hands it out, read into values. ``harness.embedded.forge.runner_api`` describes every message.

The forge has filled in all expressions, so what stands here is what runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

PREFIX = "/api/runner/v1"
POLL_SECONDS = 25.0  # below the half minute after which some proxies give up on a silent answer
HEARTBEAT_SECONDS = 2.0  # a cancellation is learnt from its answer; the forge takes a job away after 60 s of silence


class Conclusion(StrEnum):
    """How a step or a job ended. An interrupted job is handed back instead."""

    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"


class ProtocolError(ValueError):
    """The forge sent something that is not a job."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command. ``timeout`` in seconds; ``runs_after`` are the states of the job so far in which it runs."""

    number: int
    run: str
    env: Mapping[str, str]
    directory: str
    shell: str
    timeout: float | None
    may_fail: bool
    runs_after: frozenset[str]


@dataclass(frozen=True, slots=True)
class Task:
    """One attempt at a job. ``timeout`` in seconds; only one task at a time holds ``concurrency``."""

    id: int
    attempt: int
    name: str
    repository: str
    concurrency: str
    timeout: float
    server_url: str
    env: Mapping[str, str] = field(repr=False)
    event: Mapping[str, Any] = field(repr=False)
    masks: tuple[str, ...] = field(repr=False)
    steps: tuple[Step, ...] = field(repr=False)


def read_task(raw: Mapping[str, Any]) -> Task:
    """A job as the forge sent it; raises ``ProtocolError``."""
    try:
        return _task(raw)
    except (KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise ProtocolError(f"the forge sent something that is not a job: {type(wrong).__name__} {wrong}") from wrong


def _task(raw: Mapping[str, Any]) -> Task:
    return Task(
        id=int(raw["id"]),
        attempt=int(raw["attempt"]),
        name=str(raw["name"]),
        repository=str(raw["repository"]),
        concurrency=_concurrency(raw),
        timeout=60.0 * float(raw["timeout_minutes"]),
        server_url=str(raw["server_url"]),
        env={str(name): str(value) for name, value in raw["env"].items()},
        event=dict(raw["event"]),
        masks=tuple(str(value) for value in (*raw["masks"], raw["token"]) if value),
        steps=tuple(_step(one) for one in raw["steps"]),
    )


def _concurrency(raw: Mapping[str, Any]) -> str:
    """One job of a repository, so of a container, at a time; checks of a pull request change nothing: one of each."""
    repository = str(raw["repository"])
    if not str(raw["event_name"]).startswith("pull_request"):
        return repository
    return f"{repository} pull {raw['event'].get('number')}"


def _step(raw: Mapping[str, Any]) -> Step:
    minutes = raw["timeout_minutes"]
    return Step(
        number=int(raw["number"]),
        run=str(raw["run"]),
        env={str(name): str(value) for name, value in raw["env"].items()},
        directory=str(raw["working_directory"] or ""),
        shell=str(raw["shell"] or ""),
        timeout=60.0 * float(minutes) if minutes else None,
        may_fail=bool(raw["continue_on_error"]),
        runs_after=frozenset(_true(raw["runs_after"])),
    )


def _true(found: Mapping[str, Any]) -> Sequence[str]:
    return [str(state) for state, holds in found.items() if holds]
