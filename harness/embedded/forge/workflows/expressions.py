"""The expression language of Actions, as far as it is run here.

Literals, ``github``, ``env``, ``vars``, ``secrets``, ``inputs`` and ``needs``, the operators, and a few functions.
Comparing strings ignores case, as in Actions. Anything else is refused when the file is read, not when a job runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.embedded.forge.workflows.values import FUNCTIONS, as_text, compare, truth

_LONGEST = 400  # tokens of one expression
_DEEPEST = 25  # brackets within brackets; whoever opens a pull request must not exhaust the stack
CONTEXTS = ("github", "gitea", "env", "vars", "secrets", "inputs", "needs")
GITHUB = (
    "sha", "ref", "ref_name", "ref_type", "head_ref", "base_ref", "repository", "repository_owner", "server_url",
    "api_url", "token", "event", "event_name", "actor", "run_id", "run_number", "run_attempt", "workflow", "job",
)  # fmt: skip
"""What ``github`` holds: everything that a forge knows before a runner has the job."""
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w-]*)"
    r"|(?P<op>&&|\|\||==|!=|<=|>=|[<>!()\[\].,*]))"
)


class ExpressionError(Exception):
    """An expression is not understood or not supported."""


@dataclass(frozen=True, slots=True)
class State:
    """How it went so far: what ``success()`` and its like answer."""

    failed: bool = False
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """Everything an expression can read."""

    values: Mapping[str, Any]
    state: State = State()


_Node = Callable[[Context], Any]


_STATES: dict[str, Callable[[State], bool]] = {
    "success": lambda state: not state.failed and not state.cancelled,
    "failure": lambda state: state.failed and not state.cancelled,
    "cancelled": lambda state: state.cancelled,
    "always": lambda _state: True,
}


class _Parser:
    """Recursive descent over the tokens; each level returns a function of the context."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.at = 0
        self.depth = 0
        self.asks_state = False

    def parse(self) -> _Node:
        node = self._or()
        if self.at < len(self.tokens):
            raise ExpressionError(f"unexpected '{self.tokens[self.at][1]}'")
        return node

    def _peek(self, *ops: str) -> str:
        if self.at < len(self.tokens) and self.tokens[self.at][0] == "op" and self.tokens[self.at][1] in ops:
            return self.tokens[self.at][1]
        return ""

    def _take(self, *ops: str) -> str:
        found = self._peek(*ops)
        self.at += bool(found)
        return found

    def _expect(self, op: str) -> None:
        if not self._take(op):
            raise ExpressionError(f"'{op}' is missing")

    def _or(self) -> _Node:
        node = self._and()
        while self._take("||"):
            node = _either(node, self._and())
        return node

    def _and(self) -> _Node:
        node = self._comparison()
        while self._take("&&"):
            node = _both(node, self._comparison())
        return node

    def _comparison(self) -> _Node:
        node = self._unary()
        while op := self._take("==", "!=", "<=", ">=", "<", ">"):
            node = _compared(op, node, self._unary())
        return node

    def _unary(self) -> _Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ExpressionError(f"it is nested more than {_DEEPEST} deep")
        if self._take("!"):
            inner = self._unary()
            node: _Node = lambda context: not truth(inner(context))  # noqa: E731
        else:
            node = self._primary()
        self.depth -= 1
        return node

    def _primary(self) -> _Node:
        if self._take("("):
            node = self._or()
            self._expect(")")
            return node
        if self.at >= len(self.tokens):
            raise ExpressionError("it ends too early")
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "text":
            literal: Any = text[1:-1].replace("''", "'")
            return lambda _context: literal
        if kind == "number":
            number = float(text) if "." in text else int(text)
            return lambda _context: number
        if kind != "name":
            raise ExpressionError(f"unexpected '{text}'")
        return self._name(text)

    def _name(self, name: str) -> _Node:
        if name in {"true", "false", "null"}:
            literal = {"true": True, "false": False, "null": None}[name]
            return lambda _context: literal
        if self._take("("):
            return self._call(name)
        if name not in CONTEXTS:
            raise ExpressionError(f"'{name}' is not supported (there are {', '.join(CONTEXTS)})")
        return self._path(name)

    def _path(self, root: str) -> _Node:
        keys: list[_Node] = []
        names: list[str] = []
        while op := self._take(".", "["):
            if op == "[":
                keys.append(self._or())
                self._expect("]")
                continue
            if self.at >= len(self.tokens) or self.tokens[self.at][0] != "name":
                raise ExpressionError("a name is missing after '.'")
            names.append(self.tokens[self.at][1])
            keys.append(_constant(names[-1]))
            self.at += 1
        _check_path(root, names)
        return lambda context: _walk(context, root, keys)

    def _call(self, name: str) -> _Node:
        arguments: list[_Node] = []
        while not self._take(")"):
            arguments.append(self._or())
            if not self._take(",") and not self._peek(")"):
                raise ExpressionError("')' is missing")
        lowered = name.lower()
        if lowered in _STATES and not arguments:
            self.asks_state = True
            state = _STATES[lowered]
            return lambda context: state(context.state)
        if lowered not in FUNCTIONS:
            raise ExpressionError(f"the function '{name}' is not supported")
        counts, function = FUNCTIONS[lowered]
        if len(arguments) not in counts:
            raise ExpressionError(f"'{name}' does not take {len(arguments)} values")
        return lambda context: function(*(argument(context) for argument in arguments))


def _check_path(root: str, names: list[str]) -> None:
    """What a forge cannot know must not silently be nothing."""
    if root in {"github", "gitea"} and names and names[0].lower() not in GITHUB:
        raise ExpressionError(f"'{root}.{names[0]}' is not supported (there are {', '.join(GITHUB)})")
    if root == "needs" and len(names) > 1 and names[1].lower() != "result":
        raise ExpressionError(f"'needs.{names[0]}.{names[1]}' is not supported (there is result)")


def _constant(value: Any) -> _Node:
    return lambda _context: value


def _either(left: _Node, right: _Node) -> _Node:
    def node(context: Context) -> Any:
        value = left(context)
        return value if truth(value) else right(context)

    return node


def _both(left: _Node, right: _Node) -> _Node:
    def node(context: Context) -> Any:
        value = left(context)
        return right(context) if truth(value) else value

    return node


def _compared(op: str, left: _Node, right: _Node) -> _Node:
    return lambda context: compare(op, left(context), right(context))


def _walk(context: Context, root: str, keys: list[_Node]) -> Any:
    value: Any = context.values.get("github" if root == "gitea" else root)
    for key in keys:
        value = _member(value, key(context))
    return value


def _member(value: Any, key: Any) -> Any:
    if isinstance(value, Mapping):
        wanted = as_text(key).lower()
        return next((held for name, held in value.items() if name.lower() == wanted), None)
    if isinstance(value, list) and isinstance(key, int) and 0 <= key < len(value):
        return value[key]
    return None


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at, text = [], 0, text.strip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ExpressionError(f"unexpected '{text[at:].strip()[:10]}'")
        found.append((str(token.lastgroup), token.group(str(token.lastgroup))))
        at = token.end()
        if len(found) > _LONGEST:
            raise ExpressionError("it is too long")
    return found


def _pieces(text: str) -> Iterator[tuple[str, str | None]]:
    """Plain text, and the expression behind it (None at the end); raises ``ExpressionError`` for one without end."""
    at = 0
    while (start := text.find("${{", at)) >= 0:
        end = text.find("}}", start)
        if end < 0:
            raise ExpressionError("'}}' is missing")
        yield text[at:start], text[start + 3 : end]
        at = end + 2
    yield text[at:], None


def check(text: str) -> None:
    """Raise ``ExpressionError`` when a text with ``${{ }}`` holds something that is not supported."""
    for _, expression in _pieces(text):
        if expression is not None:
            _Parser(expression).parse()


def has_any(text: str) -> bool:
    """Whether a text holds an expression."""
    return "${{" in text


def check_condition(text: str) -> None:
    """Raise ``ExpressionError`` when an ``if`` is not supported."""
    _Parser(_bare(text)).parse()


def fill(text: str, context: Context) -> str:
    """``text`` with every ``${{ }}`` replaced by its value."""
    return "".join(
        plain + ("" if inner is None else as_text(_Parser(inner).parse()(context))) for plain, inner in _pieces(text)
    )


def holds(condition: str, context: Context) -> bool:
    """Whether an ``if`` holds; one that asks for no state means ``success() &&`` as well."""
    if not condition.strip():
        return _STATES["success"](context.state)
    parser = _Parser(_bare(condition))
    node = parser.parse()
    if not parser.asks_state and not _STATES["success"](context.state):
        return False
    return truth(node(context))


def _bare(condition: str) -> str:
    """An ``if`` may stand with or without ``${{ }}``."""
    text = condition.strip()
    whole = text.startswith("${{") and text.endswith("}}") and "${{" not in text[3:]
    return text[3:-2] if whole else text
