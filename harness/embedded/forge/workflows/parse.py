"""Reading a workflow file: what is understood becomes a ``Workflow``, everything else is refused with its line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import yaml

from harness.embedded.forge.workflows import reader as reading
from harness.embedded.forge.workflows import triggers as starting
from harness.embedded.forge.workflows.errors import WorkflowError
from harness.embedded.forge.workflows.model import Concurrency, Job, Step, Triggers, Workflow
from harness.embedded.forge.workflows.reader import Reader

T = TypeVar("T")
_DEFAULT_MINUTES = 360.0


def read(file: str, text: str) -> Workflow:
    """The workflow in ``text``; raises ``WorkflowError``."""
    return _shallow(file, lambda: _read(file, text))


def _shallow(file: str, work: Callable[[], T]) -> T:
    """YAML that is nested beyond all measure is wrong like any other."""
    try:
        return work()
    except RecursionError as wrong:
        raise WorkflowError(file, 1, "it is nested too deeply") from wrong


def _read(file: str, text: str) -> Workflow:
    reader = Reader(file)
    root = reading.root(reader, text)
    parts = {
        name: (key, value)
        for name, key, value in reader.items(root, ("name", "on", "env", "jobs", "concurrency", "defaults"))
    }
    for needed in ("on", "jobs"):
        if needed not in parts:
            raise reader.refuse(root, f"'{needed}' is missing")
    defaults = _defaults(reader, parts["defaults"][1], _Defaults()) if "defaults" in parts else _Defaults()
    return Workflow(
        file=file,
        name=reader.scalar(parts["name"][1]) if "name" in parts else "",
        triggers=starting.read(reader, parts["on"][1]),
        env=reader.environment(parts["env"][1]) if "env" in parts else {},
        jobs=_jobs(reader, parts["jobs"][1], defaults),
        concurrency=_concurrency(reader, parts["concurrency"][1]) if "concurrency" in parts else None,
    )


def triggers(file: str, text: str) -> Triggers:
    """Only what starts the workflow, for a file whose rest may be wrong."""
    return _shallow(file, lambda: _only_triggers(file, text))


def _only_triggers(file: str, text: str) -> Triggers:
    reader = Reader(file)
    for name, _, value in reader.items(reading.root(reader, text), None):
        if name == "on":
            return starting.read(reader, value)
    raise WorkflowError(file, 1, "'on' is missing")


@dataclass(frozen=True, slots=True)
class _Defaults:
    """What steps that say nothing else have."""

    directory: str = ""
    shell: str = ""


def _defaults(reader: Reader, node: yaml.Node, outer: _Defaults) -> _Defaults:
    directory, shell = outer.directory, outer.shell
    for _, _, run in reader.items(node, ("run",)):
        for name, _, value in reader.items(run, ("working-directory", "shell")):
            if name == "working-directory":
                directory = reader.text(value)
            else:
                shell = _shell(reader, value)
    return _Defaults(directory, shell)


def _shell(reader: Reader, node: yaml.Node) -> str:
    shell = reader.scalar(node)
    if shell not in {"", "sh", "bash"}:
        raise reader.refuse(node, f"the shell '{shell}' is not supported (there are sh, bash)")
    return shell


def _concurrency(reader: Reader, node: yaml.Node) -> Concurrency:
    if isinstance(node, yaml.ScalarNode):
        return Concurrency(reader.text(node))
    group, cancel = "", False
    for name, _, value in reader.items(node, ("group", "cancel-in-progress")):
        if name == "group":
            group = reader.text(value)
        else:
            cancel = reader.boolean(value)
    return Concurrency(group, cancel)


_JOB = (
    "name", "needs", "runs-on", "if", "env", "steps", "timeout-minutes", "concurrency", "defaults",
)  # fmt: skip


def _jobs(reader: Reader, node: yaml.Node, defaults: _Defaults) -> tuple[Job, ...]:
    jobs = tuple(_job(reader, key, name, value, defaults) for name, key, value in reader.items(node, None))
    if not jobs:
        raise reader.refuse(node, "there is no job")
    known = {job.key: job for job in jobs}
    for job in jobs:
        for needed in job.needs:
            if needed not in known:
                raise WorkflowError(reader.file, job.line, f"job '{job.key}' needs '{needed}', which is not there")
    _refuse_circles(reader, known)
    return jobs


def _refuse_circles(reader: Reader, known: dict[str, Job]) -> None:
    done: set[str] = set()
    while ready := [key for key, job in known.items() if key not in done and set(job.needs) <= done]:
        done.update(ready)
    for key, job in known.items():
        if key not in done:
            raise WorkflowError(reader.file, job.line, f"job '{key}' needs itself in the end")


def _job(reader: Reader, key: yaml.Node, name: str, node: yaml.Node, defaults: _Defaults) -> Job:
    parts = {part: value for part, _, value in reader.items(node, _JOB)}
    for needed in ("runs-on", "steps"):
        if needed not in parts:
            raise reader.refuse(key, f"job '{name}' has no '{needed}'")
    inside = _defaults(reader, parts["defaults"], defaults) if "defaults" in parts else defaults
    steps = parts["steps"]
    if not isinstance(steps, yaml.SequenceNode) or not steps.value:
        raise reader.refuse(steps, "a list of steps is expected here")
    return Job(
        key=name,
        name=reader.text(parts["name"]) if "name" in parts else name,
        needs=reader.words(parts["needs"]) if "needs" in parts else (),
        labels=reader.labels(parts["runs-on"]),
        condition=reader.condition(parts["if"]) if "if" in parts else "",
        env=reader.environment(parts["env"]) if "env" in parts else {},
        steps=tuple(_step(reader, step, inside) for step in steps.value),
        minutes=reader.minutes(parts["timeout-minutes"]) if "timeout-minutes" in parts else _DEFAULT_MINUTES,
        concurrency=_concurrency(reader, parts["concurrency"]) if "concurrency" in parts else None,
        line=key.start_mark.line + 1,
    )


_STEP = (
    "name", "id", "run", "env", "working-directory", "if", "shell", "timeout-minutes", "continue-on-error",
)  # fmt: skip


def _step(reader: Reader, node: yaml.Node, defaults: _Defaults) -> Step:
    parts = {part: value for part, _, value in reader.items(node, _STEP)}
    if "run" not in parts:
        raise reader.refuse(node, "the step has no 'run'")
    run = reader.text(parts["run"])
    first = run.strip().split("\n", 1)[0]
    return Step(
        name=reader.text(parts["name"]) if "name" in parts else f"Run {first}",
        run=run,
        env=reader.environment(parts["env"]) if "env" in parts else {},
        directory=reader.text(parts["working-directory"]) if "working-directory" in parts else defaults.directory,
        condition=reader.condition(parts["if"]) if "if" in parts else "",
        shell=(_shell(reader, parts["shell"]) if "shell" in parts else "") or defaults.shell,
        minutes=reader.minutes(parts["timeout-minutes"]) if "timeout-minutes" in parts else None,
        ignore_failure=reader.boolean(parts["continue-on-error"]) if "continue-on-error" in parts else False,
        line=node.start_mark.line + 1,
    )
