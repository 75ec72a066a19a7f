"""Reading a workflow file: what is understood becomes a ``Workflow``, everything else is refused with its line."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import yaml

from harness.embedded.forge.workflows import cron, expressions, globs
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
_MOST_ENTRIES = 10_000  # YAML's aliases let a small file name the same thing very often
_MOST_PATTERNS = 100
_INPUTS = ("string", "boolean", "choice")


class _Reader:
    """Walks the YAML nodes of one file; every refusal knows its line."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._entries = 0

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
            self._count(key)
            if name == "<<":
                raise self.refuse(key, "merging mappings ('<<') is not supported")
            if known is not None and name not in known:
                raise self.refuse(key, f"'{name}' is not supported here (there are {', '.join(known)})")
            if name in seen:
                raise self.refuse(key, f"'{name}' stands here twice")
            seen.add(name)
            yield name, key, value

    def _count(self, node: yaml.Node) -> None:
        self._entries += 1
        if self._entries > _MOST_ENTRIES:
            raise self.refuse(node, f"the file has more than {_MOST_ENTRIES} entries")

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
        except (expressions.ExpressionError, cron.CronError, globs.GlobError) as wrong:
            raise self.refuse(node, str(wrong)) from wrong

    def words(self, node: yaml.Node) -> tuple[str, ...]:
        """One value or a list of them."""
        if isinstance(node, yaml.SequenceNode):
            return tuple(self.scalar(entry) for entry in node.value)
        return (self.scalar(node),)

    def minutes(self, node: yaml.Node) -> float:
        """A time limit."""
        value = self.scalar(node)
        try:
            found = float(value)
        except ValueError as wrong:
            raise self.refuse(node, f"'{value}' is no number") from wrong
        if not (math.isfinite(found) and found > 0):
            raise self.refuse(node, f"'{value}' is no number of minutes")
        return found

    def boolean(self, node: yaml.Node) -> bool:
        value = self.scalar(node).lower()
        if value not in {"true", "false"}:
            raise self.refuse(node, f"'{value}' is neither true nor false")
        return value == "true"

    def environment(self, node: yaml.Node) -> dict[str, str]:
        found = {}
        for name, key, value in self.items(node, None):
            if not name or set(name) & set("=\0"):
                raise self.refuse(key, f"'{name}' is no name of a variable")
            found[name] = self.text(value)
        return found

    def labels(self, node: yaml.Node) -> tuple[str, ...]:
        """What a runner must have."""
        found = self.words(node)
        for label in found:
            if not label or expressions.has_any(label):
                raise self.refuse(node, f"'{label}' is no label of a runner (expressions are not supported here)")
        return found

    def patterns(self, node: yaml.Node) -> tuple[str, ...]:
        """What a filter lists."""
        found = self.words(node)
        if len(found) > _MOST_PATTERNS:
            raise self.refuse(node, f"there are more than {_MOST_PATTERNS} patterns")
        for pattern in found:
            self.checked(node, lambda text=pattern: globs.read(text.removeprefix("!")))  # type: ignore[misc]
        return found


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
    reader = _Reader(file)
    root = _root(reader, text)
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
        triggers=_triggers(reader, parts["on"][1]),
        env=reader.environment(parts["env"][1]) if "env" in parts else {},
        jobs=_jobs(reader, parts["jobs"][1], defaults),
        concurrency=_concurrency(reader, parts["concurrency"][1]) if "concurrency" in parts else None,
    )


def triggers(file: str, text: str) -> Triggers:
    """Only what starts the workflow, for a file whose rest may be wrong."""
    return _shallow(file, lambda: _only_triggers(file, text))


def _only_triggers(file: str, text: str) -> Triggers:
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
    found = {name.replace("-", "_"): reader.patterns(value) for name, _, value in reader.items(node, known)}
    return Filter(**found)


_INPUT = ("description", "type", "default", "required", "options")


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
    parts = {name: value for name, _, value in reader.items(node, _INPUT)}
    kind = reader.scalar(parts["type"]) if "type" in parts else "string"
    if kind not in _INPUTS:
        raise reader.refuse(parts["type"], f"the type '{kind}' is not supported (there are {', '.join(_INPUTS)})")
    options = reader.words(parts["options"]) if "options" in parts else ()
    if (kind == "choice") != bool(options):
        raise reader.refuse(node, "'options' belong to the type choice")
    found = Input(
        default=reader.scalar(parts["default"]) if "default" in parts else options[0] if options else "",
        required=reader.boolean(parts["required"]) if "required" in parts else False,
        type=kind,
        options=options,
    )
    if found.default and not found.takes(found.default):
        raise reader.refuse(parts["default"], f"the input cannot be '{found.default}'")
    return found


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


@dataclass(frozen=True, slots=True)
class _Defaults:
    """What steps that say nothing else have."""

    directory: str = ""
    shell: str = ""


def _defaults(reader: _Reader, node: yaml.Node, outer: _Defaults) -> _Defaults:
    directory, shell = outer.directory, outer.shell
    for _, _, run in reader.items(node, ("run",)):
        for name, _, value in reader.items(run, ("working-directory", "shell")):
            if name == "working-directory":
                directory = reader.text(value)
            else:
                shell = _shell(reader, value)
    return _Defaults(directory, shell)


def _shell(reader: _Reader, node: yaml.Node) -> str:
    shell = reader.scalar(node)
    if shell not in {"", "sh", "bash"}:
        raise reader.refuse(node, f"the shell '{shell}' is not supported (there are sh, bash)")
    return shell


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
    "name", "needs", "runs-on", "if", "env", "steps", "timeout-minutes", "concurrency", "defaults",
)  # fmt: skip


def _jobs(reader: _Reader, node: yaml.Node, defaults: _Defaults) -> tuple[Job, ...]:
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


def _refuse_circles(reader: _Reader, known: dict[str, Job]) -> None:
    done: set[str] = set()
    while ready := [key for key, job in known.items() if key not in done and set(job.needs) <= done]:
        done.update(ready)
    for key, job in known.items():
        if key not in done:
            raise WorkflowError(reader.file, job.line, f"job '{key}' needs itself in the end")


def _job(reader: _Reader, key: yaml.Node, name: str, node: yaml.Node, defaults: _Defaults) -> Job:
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


def _step(reader: _Reader, node: yaml.Node, defaults: _Defaults) -> Step:
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
