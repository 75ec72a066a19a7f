"""What starts a workflow: the part ``on`` of its file."""

from __future__ import annotations

import yaml

from harness.embedded.forge.workflows import cron
from harness.embedded.forge.workflows.model import Filter, Input, Triggers
from harness.embedded.forge.workflows.reader import Reader

_EVENTS = ("push", "pull_request", "pull_request_target", "workflow_dispatch", "schedule")
_FILTERS = {
    "push": ("branches", "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore"),
    "pull_request": ("types", "branches", "branches-ignore", "paths", "paths-ignore"),
    "pull_request_target": ("types", "branches", "branches-ignore", "paths", "paths-ignore"),
}
_INPUT = ("description", "type", "default", "required", "options")
_INPUT_TYPES = ("string", "boolean", "choice")


def read(reader: Reader, node: yaml.Node) -> Triggers:
    """The value of ``on``."""
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


def _check_event(reader: Reader, node: yaml.Node, name: str) -> None:
    if name not in _EVENTS:
        raise reader.refuse(node, f"the event '{name}' is not supported (there are {', '.join(_EVENTS)})")


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _filter(reader: Reader, node: yaml.Node, known: tuple[str, ...]) -> Filter:
    if _is_null(node):
        return Filter()
    found = {name.replace("-", "_"): reader.patterns(value) for name, _, value in reader.items(node, known)}
    return Filter(**found)


def _inputs(reader: Reader, node: yaml.Node) -> dict[str, Input]:
    if _is_null(node):
        return {}
    found: dict[str, Input] = {}
    for _, _, listed in reader.items(node, ("inputs",)):
        for name, _, value in reader.items(listed, None):
            found[name] = _input(reader, value)
    return found


def _input(reader: Reader, node: yaml.Node) -> Input:
    if _is_null(node):
        return Input()
    parts = {name: value for name, _, value in reader.items(node, _INPUT)}
    kind = reader.scalar(parts["type"]) if "type" in parts else "string"
    if kind not in _INPUT_TYPES:
        raise reader.refuse(parts["type"], f"the type '{kind}' is not supported (there are {', '.join(_INPUT_TYPES)})")
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


def _crons(reader: Reader, node: yaml.Node) -> tuple[str, ...]:
    if not isinstance(node, yaml.SequenceNode):
        raise reader.refuse(node, "a list of 'cron' is expected here")
    found = []
    for entry in node.value:
        for _, _, value in reader.items(entry, ("cron",)):
            line = reader.scalar(value)
            reader.checked(value, lambda text=line: cron.read(text))  # type: ignore[misc]
            found.append(line)
    return tuple(found)
