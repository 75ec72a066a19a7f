"""What runner and forge say to each other: JSON over HTTP below ``/api/runner/v1``, every call safe to repeat.

``POST register`` ``{token, name, labels}`` → 201 ``{id, token}``. The registration token is used once by a person; the
answered token is the runner's own, sent from then on as ``Authorization: Bearer …``. A wrong token: 401.

``POST poll`` ``{capacity, running: [task id], wait}`` → 200 ``{tasks: [task], cancel: [id]}``.
The forge answers at once when there is a job for the runner's labels whose concurrency key no running job holds, or
when a running task is to be cancelled; otherwise after ``wait`` seconds with two empty lists. ``capacity`` 0 asks for
cancellations only. A task that the forge believes to be with this runner and that ``running`` does not name was lost
(a kill, an answer that never arrived): the forge marks that attempt interrupted and offers the job again.

``POST tasks/{id}`` ``{first, lines, steps, conclusion?, outputs?, summary?}`` → 200 ``{next, cancel}``. ``lines`` are
``[seconds since the epoch, text]``; the first of them has number ``first`` in the job's log (from 0); the forge drops
those it has and answers the number it wants next. ``steps`` is the state of all steps so far. ``conclusion`` ends the
task: success, failure, cancelled, or interrupted (offer it again). 404 or 410: the task is not this runner's any more.

A task: ``{id, job, name, repository, concurrency, timeout_minutes, env, defaults, steps, outputs, contexts}``.
``steps`` are those of the workflow file as mappings with its own keys (``name id run env if working-directory shell
timeout-minutes continue-on-error``); ``contexts`` holds ``github`` (``token`` and ``event`` included), ``vars``,
``secrets``, ``needs`` and ``inputs``, from which the runner evaluates ``${{ }}`` in steps; ``env`` is that of workflow
and job. Everything in ``secrets`` and ``github.token`` is masked before a line leaves the runner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

PREFIX = "/api/runner/v1"
POLL_SECONDS = 25.0  # below the minute after which proxies give up on a silent answer


class Conclusion(StrEnum):
    """How a step or a task ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"


class ProtocolError(ValueError):
    """The forge sent something that is not a task."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step as the workflow file has it; expressions are not evaluated yet. ``timeout`` in seconds."""

    number: int
    name: str
    run: str
    key: str = ""
    condition: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    directory: str = ""
    shell: str = ""
    timeout: float | None = None
    may_fail: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """One attempt at a job. ``timeout`` in seconds; ``concurrency`` is the key that only one task may hold."""

    id: int
    job: str
    name: str
    repository: str
    concurrency: str
    timeout: float
    env: Mapping[str, str]
    steps: tuple[Step, ...]
    outputs: Mapping[str, str]
    contexts: Mapping[str, Any]

    @property
    def github(self) -> Mapping[str, Any]:
        """The ``github`` context."""
        found: Mapping[str, Any] = self.contexts.get("github", {})
        return found

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that no log may show."""
        values = [*self.contexts.get("secrets", {}).values(), self.github.get("token", "")]
        return tuple(str(value) for value in values if value)


@dataclass(frozen=True, slots=True)
class StepState:
    """Where a step stands. Times in seconds since the epoch; ``first_line`` is where its output begins in the log."""

    number: int
    name: str
    status: str
    conclusion: str | None = None
    started: float | None = None
    ended: float | None = None
    first_line: int = 0

    def as_json(self) -> dict[str, Any]:
        """For the forge and for the spool."""
        return {name: getattr(self, name) for name in self.__slots__}


def read_task(raw: Mapping[str, Any]) -> Task:
    """A task as the forge sent it; raises ``ProtocolError``."""
    try:
        return _task(raw)
    except (KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise ProtocolError(f"not a task: {type(wrong).__name__} {wrong}") from wrong


def _task(raw: Mapping[str, Any]) -> Task:
    repository = str(raw["repository"])
    defaults = (raw.get("defaults") or {}).get("run") or {}
    return Task(
        id=int(raw["id"]),
        job=str(raw["job"]),
        name=str(raw.get("name") or raw["job"]),
        repository=repository,
        concurrency=str(raw.get("concurrency") or repository),
        timeout=60.0 * float(raw.get("timeout_minutes") or 360),
        env=_texts(raw.get("env")),
        steps=tuple(_step(number, one, defaults) for number, one in enumerate(_sequence(raw["steps"]), start=1)),
        outputs=_texts(raw.get("outputs")),
        contexts=dict(raw.get("contexts") or {}),
    )


def _step(number: int, raw: Mapping[str, Any], defaults: Mapping[str, Any]) -> Step:
    minutes = raw.get("timeout-minutes")
    command = str(raw["run"])
    return Step(
        number=number,
        name=str(raw.get("name") or f"Run {command.strip().splitlines()[0] if command.strip() else ''}".strip()),
        run=command,
        key=str(raw.get("id") or ""),
        condition=_text(raw.get("if", "")),
        env=_texts(raw.get("env")),
        directory=str(raw.get("working-directory") or defaults.get("working-directory") or ""),
        shell=str(raw.get("shell") or defaults.get("shell") or ""),
        timeout=60.0 * float(minutes) if minutes else None,
        may_fail=bool(raw.get("continue-on-error")),
    )


def _sequence(value: Any) -> Sequence[Mapping[str, Any]]:
    if not isinstance(value, list):
        raise ProtocolError("steps are not a list")
    return value


def _texts(value: Mapping[str, Any] | None) -> dict[str, str]:
    return {str(name): _text(one) for name, one in (value or {}).items()}


def _text(value: Any) -> str:
    """A YAML scalar as Actions writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
