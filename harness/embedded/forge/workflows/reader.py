"""Walking the YAML of a workflow file; what is not as it should be is refused with its line."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TypeVar

import yaml

from harness.embedded.forge.workflows import cron, expressions, globs
from harness.embedded.forge.workflows.errors import WorkflowError

T = TypeVar("T")
_MOST_BYTES = 256 * 1024
_MOST_ENTRIES = 10_000  # YAML's aliases let a small file name the same thing very often
_MOST_PATTERNS = 100


class Reader:
    """Walks the YAML nodes of one file; every refusal knows its line."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._entries = 0

    def refuse(self, node: yaml.Node | None, words: str) -> WorkflowError:
        """What to raise because of ``node``."""
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
        """One value; empty for null."""
        if not isinstance(node, yaml.ScalarNode):
            raise self.refuse(node, "a single value is expected here")
        return "" if node.tag == "tag:yaml.org,2002:null" else str(node.value)

    def text(self, node: yaml.Node) -> str:
        """A scalar that may hold expressions."""
        value = self.scalar(node)
        self.checked(node, lambda: expressions.check(value))
        return value

    def condition(self, node: yaml.Node) -> str:
        """An ``if``; empty for none."""
        value = self.scalar(node)
        if value:
            self.checked(node, lambda: expressions.check_condition(value))
        return value

    def checked(self, node: yaml.Node, check: Callable[[], T]) -> T:
        """What ``check`` returns; its refusal gets the line of ``node``."""
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
        """``true`` or ``false``."""
        value = self.scalar(node).lower()
        if value not in {"true", "false"}:
            raise self.refuse(node, f"'{value}' is neither true nor false")
        return value == "true"

    def environment(self, node: yaml.Node) -> dict[str, str]:
        """Variables; their values may hold expressions."""
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


def root(reader: Reader, text: str) -> yaml.Node:
    """What the file holds; raises ``WorkflowError`` when it is no YAML or too much of it."""
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
