"""Reading a workflow file: what is understood becomes a ``Workflow``, everything else is refused with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import yaml

from harness.embedded.forge.workflows import cron, expressions
from harness.embedded.forge.workflows.errors import WorkflowError
from harness.embedded.forge.workflows.model import Concurrency, Filter, Input, Job, Step, Triggers, Workflow

T = TypeVar("T")
_EVENTS = ("push", "pull_request", "pull_request_target", "workflow_dispatch", "schedule")
_FILTERS = {
    "push": ("branches", "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore"),
    "pull_request": ("types", "branches", "branches-ignore", "paths", "paths-ignore"),
    "pull_request_target": ("types", "branches", "branches-ignore", "paths", "paths-ignore"),
}
_DEFAULT_MINUTES = 360.0
_MOST_BYTES = 256 * 1024


class _Reader:
    """Walks the YAML nodes of one file; every refusal knows its line."""

    def __init__(self, file: str) -> None:
        self.file = file

    def refuse(self, node: yaml.Node | None, words: str) -> WorkflowError:
        line = node.start_mark.line + 1 if node is not None else 1
        return WorkflowError(self.file, line, words)

    def items(self, node: yaml.Node, known: tuple[str, ...] | None) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        """The entries of a mapping; ``known`` lists the keys that are supported (``None``: any)."""
        if not isinstance(node, yaml.MappingNode):
            raise self.refuse(node, "a mapping is expected here")
        seen: set[str] = set()
        for key, value in node.value:
            name = self.scalar(key)
            if known is not None and name not in known:
                raise self.refuse(key, f"'{name}' is not supported here (there are {', '.join(known)})")
            if name in seen:
                raise self.refuse(key, f"'{name}' stands here twice")
            seen.add(name)
            yield name, key, value

    def scalar(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self.refuse(node, "a single value is expected here")
        return "" if node.tag == "tag:yaml.org,2002:null" else str(node.value)

    def text(self, node: yaml.Node) -> str:
        """A scalar that may hold expressions."""
        value = self.scalar(node)
        self.checked(node, lambda: expressions.check(value))
        return value

    def condition(self, node: yaml.Node) -> str:
        value = self.scalar(node)
        if value:
            self.checked(node, lambda: expressions.check_condition(value))
        return value

    def checked(self, node: yaml.Node, check: Callable[[], T]) -> T:
        try:
            return check()
        except (expressions.ExpressionError, cron.CronError) as wrong:
            raise self.refuse(node, str(wrong)) from wrong

    def words(self, node: yaml.Node) -> tuple[str, ...]:
        """One value or a list of them."""
        if isinstance(node, yaml.SequenceNode):
            return tuple(self.scalar(entry) for entry in node.value)
        return (self.scalar(node),)

    def number(self, node: yaml.Node) -> float:
        value = self.scalar(node)
        try:
            return float(value)
        except ValueError as wrong:
            raise self.refuse(node, f"'{value}' is no number") from wrong

    def boolean(self, node: yaml.Node) -> bool:
        value = self.scalar(node).lower()
        if value not in {"true", "false"}:
            raise self.refuse(node, f"'{value}' is neither true nor false")
        return value == "true"

    def environment(self, node: yaml.Node) -> dict[str, str]:
        return {name: self.text(value) for name, _, value in self.items(node, None)}


def read(file: str, text: str) -> Workflow:
    """The workflow in ``text``; raises ``WorkflowError``."""
    reader = _Reader(file)
    root = _root(reader, text)
    parts = {
        name: (key, value)
        for name, key, value in reader.items(root, ("name", "run-name", "on", "env", "jobs", "concurrency", "defaults"))
    }
    for needed in ("on", "jobs"):
        if needed not in parts:
            raise reader.refuse(root, f"'{needed}' is missing")
    directory = _defaults(reader, parts["defaults"][1]) if "defaults" in parts else ""
    return Workflow(
        file=file,
        name=reader.scalar(parts["name"][1]) if "name" in parts else "",
        triggers=_triggers(reader, parts["on"][1]),
        env=reader.environment(parts["env"][1]) if "env" in parts else {},
        jobs=_jobs(reader, parts["jobs"][1], directory),
        concurrency=_concurrency(reader, parts["concurrency"][1]) if "concurrency" in parts else None,
    )


def triggers(file: str, text: str) -> Triggers:
    """Only what starts the workflow, for a file whose rest may be wrong."""
    reader = _Reader(file)
    for name, _, value in reader.items(_root(reader, text), None):
        if name == "on":
            return _triggers(reader, value)
    raise WorkflowError(file, 1, "'on' is missing")


def _root(reader: _Reader, text: str) -> yaml.Node:
    if len(text) > _MOST_BYTES:
        raise reader.refuse(None, "the file is too large")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as wrong:
        line = wrong.problem_mark.line + 1 if wrong.problem_mark else 1
        raise WorkflowError(reader.file, line, f"no YAML: {wrong.problem}") from wrong
    except yaml.YAMLError as wrong:
        raise WorkflowError(reader.file, 1, f"no YAML: {wrong}") from wrong
    if root is None:
        raise reader.refuse(None, "the file is empty")
    return root


def _triggers(reader: _Reader, node: yaml.Node) -> Triggers:
    if not isinstance(node, yaml.MappingNode):
        names = reader.words(node)
        for name in names:
            _check_event(reader, node, name)
        return Triggers({name: Filter() for name in names})
    events: dict[str, Filter] = {}
    inputs: dict[str, Input] = {}
    crons: tuple[str, ...] = ()
    for name, key, value in reader.items(node, None):
        _check_event(reader, key, name)
        events[name] = _filter(reader, value, _FILTERS[name]) if name in _FILTERS else Filter()
        if name == "workflow_dispatch":
            inputs = _inputs(reader, value)
        elif name == "schedule":
            crons = _crons(reader, value)
    return Triggers(events, inputs, crons)


def _check_event(reader: _Reader, node: yaml.Node, name: str) -> None:
    if name not in _EVENTS:
        raise reader.refuse(node, f"the event '{name}' is not supported (there are {', '.join(_EVENTS)})")


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _filter(reader: _Reader, node: yaml.Node, known: tuple[str, ...]) -> Filter:
    if _is_null(node):
        return Filter()
    found = {name.replace("-", "_"): reader.words(value) for name, _, value in reader.items(node, known)}
    return Filter(**found)


def _inputs(reader: _Reader, node: yaml.Node) -> dict[str, Input]:
    if _is_null(node):
        return {}
    found: dict[str, Input] = {}
    for _, _, listed in reader.items(node, ("inputs",)):
        for name, _, value in reader.items(listed, None):
            found[name] = _input(reader, value)
    return found


def _input(reader: _Reader, node: yaml.Node) -> Input:
    if _is_null(node):
        return Input()
    default, required = "", False
    for name, _, value in reader.items(node, ("description", "type", "default", "required", "options")):
        if name == "default":
            default = reader.scalar(value)
        elif name == "required":
            required = reader.boolean(value)
    return Input(default, required)


def _crons(reader: _Reader, node: yaml.Node) -> tuple[str, ...]:
    if not isinstance(node, yaml.SequenceNode):
        raise reader.refuse(node, "a list of 'cron' is expected here")
    found = []
    for entry in node.value:
        for _, _, value in reader.items(entry, ("cron",)):
            line = reader.scalar(value)
            reader.checked(value, lambda text=line: cron.read(text))  # type: ignore[misc]
            found.append(line)
    return tuple(found)


def _defaults(reader: _Reader, node: yaml.Node) -> str:
    for _, _, run in reader.items(node, ("run",)):
        for name, _, value in reader.items(run, ("working-directory", "shell")):
            if name == "working-directory":
                return reader.text(value)
    return ""


def _concurrency(reader: _Reader, node: yaml.Node) -> Concurrency:
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
    "name", "needs", "runs-on", "if", "env", "steps", "timeout-minutes", "concurrency", "defaults", "permissions",
)  # fmt: skip


def _jobs(reader: _Reader, node: yaml.Node, directory: str) -> tuple[Job, ...]:
    jobs = tuple(_job(reader, key, name, value, directory) for name, key, value in reader.items(node, None))
    if not jobs:
        raise reader.refuse(node, "there is no job")
    known = {job.key: job for job in jobs}
    for job in jobs:
        for needed in job.needs:
            if needed not in known:
                raise WorkflowError(reader.file, job.line, f"job '{job.key}' needs '{needed}', which is not there")
    _refuse_circles(reader, known)
    return jobs


def _refuse_circles(reader: _Reader, known: dict[str, Job]) -> None:
    done: set[str] = set()
    while ready := [key for key, job in known.items() if key not in done and set(job.needs) <= done]:
        done.update(ready)
    for key, job in known.items():
        if key not in done:
            raise WorkflowError(reader.file, job.line, f"job '{key}' needs itself in the end")


def _job(reader: _Reader, key: yaml.Node, name: str, node: yaml.Node, directory: str) -> Job:
    parts = {part: value for part, _, value in reader.items(node, _JOB)}
    for needed in ("runs-on", "steps"):
        if needed not in parts:
            raise reader.refuse(key, f"job '{name}' has no '{needed}'")
    inside = _defaults(reader, parts["defaults"]) if "defaults" in parts else directory
    steps = parts["steps"]
    if not isinstance(steps, yaml.SequenceNode) or not steps.value:
        raise reader.refuse(steps, "a list of steps is expected here")
    return Job(
        key=name,
        name=reader.text(parts["name"]) if "name" in parts else name,
        needs=reader.words(parts["needs"]) if "needs" in parts else (),
        labels=reader.words(parts["runs-on"]),
        condition=reader.condition(parts["if"]) if "if" in parts else "",
        env=reader.environment(parts["env"]) if "env" in parts else {},
        steps=tuple(_step(reader, step, inside) for step in steps.value),
        minutes=reader.number(parts["timeout-minutes"]) if "timeout-minutes" in parts else _DEFAULT_MINUTES,
        concurrency=_concurrency(reader, parts["concurrency"]) if "concurrency" in parts else None,
        line=key.start_mark.line + 1,
    )


_STEP = (
    "name", "id", "run", "env", "working-directory", "if", "shell", "timeout-minutes", "continue-on-error",
)  # fmt: skip


def _step(reader: _Reader, node: yaml.Node, directory: str) -> Step:
    parts = {part: value for part, _, value in reader.items(node, _STEP)}
    if "run" not in parts:
        raise reader.refuse(node, "the step has no 'run'")
    run = reader.text(parts["run"])
    first = run.strip().split("\n", 1)[0]
    shell = reader.scalar(parts["shell"]) if "shell" in parts else ""
    if shell not in {"", "sh", "bash"}:
        raise reader.refuse(parts["shell"], f"the shell '{shell}' is not supported (there are sh, bash)")
    return Step(
        name=reader.text(parts["name"]) if "name" in parts else f"Run {first}",
        run=run,
        env=reader.environment(parts["env"]) if "env" in parts else {},
        directory=reader.text(parts["working-directory"]) if "working-directory" in parts else directory,
        condition=reader.condition(parts["if"]) if "if" in parts else "",
        shell=shell,
        minutes=reader.number(parts["timeout-minutes"]) if "timeout-minutes" in parts else None,
        ignore_failure=reader.boolean(parts["continue-on-error"]) if "continue-on-error" in parts else False,
        line=node.start_mark.line + 1,
    )
