"""The expression language of Actions, as far as it is run here.

Literals, ``github``, ``env``, ``vars``, ``secrets``, ``inputs`` and ``needs``, the operators, and a few functions.
Comparing strings ignores case, as in Actions. Anything else is refused when the file is read, not when a job runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

CONTEXTS = ("github", "gitea", "env", "vars", "secrets", "inputs", "needs")
_OPEN = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
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


def truth(value: Any) -> bool:
    """Whether a value counts as true."""
    return value not in (None, False, 0, "")


def as_text(value: Any) -> str:
    """A value inside a string."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _folded(value: Any) -> Any:
    if isinstance(value, str):
        return value.lower()
    return "" if value is None else value


def _compare(op: str, left: Any, right: Any) -> bool:
    left, right = _folded(left), _folded(right)
    if type(left) is not type(right) and not (_is_number(left) and _is_number(right)):
        left, right = as_text(left).lower(), as_text(right).lower()
    checks: dict[str, Callable[[], bool]] = {
        "==": lambda: left == right,
        "!=": lambda: left != right,
        "<": lambda: left < right,
        ">": lambda: left > right,
        "<=": lambda: left <= right,
        ">=": lambda: left >= right,
    }
    return bool(checks[op]())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _contains(where: Any, what: Any) -> bool:
    if isinstance(where, list | tuple):
        return any(_compare("==", entry, what) for entry in where)
    return as_text(what).lower() in as_text(where).lower()


def _format(pattern: Any, *values: Any) -> str:
    text = as_text(pattern)
    return re.sub(r"\{(\d+)\}", lambda found: as_text(values[int(found[1])]), text)


_FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "contains": (2, _contains),
    "startswith": (2, lambda text, start: as_text(text).lower().startswith(as_text(start).lower())),
    "endswith": (2, lambda text, end: as_text(text).lower().endswith(as_text(end).lower())),
    "format": (-1, _format),
    "join": (2, lambda items, by: as_text(by).join(as_text(item) for item in items)),
}
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
        if self._take("!"):
            inner = self._unary()
            return lambda context: not truth(inner(context))
        return self._primary()

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
        while op := self._take(".", "["):
            if op == "[":
                keys.append(self._or())
                self._expect("]")
                continue
            if self.at >= len(self.tokens) or self.tokens[self.at][0] != "name":
                raise ExpressionError("a name is missing after '.'")
            keys.append(_constant(self.tokens[self.at][1]))
            self.at += 1
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
        if lowered not in _FUNCTIONS:
            raise ExpressionError(f"the function '{name}' is not supported")
        count, function = _FUNCTIONS[lowered]
        if count not in {-1, len(arguments)}:
            raise ExpressionError(f"'{name}' takes {count} values")
        return lambda context: function(*(argument(context) for argument in arguments))


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
    return lambda context: _compare(op, left(context), right(context))


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
    return found


def check(text: str) -> None:
    """Raise ``ExpressionError`` when a text with ``${{ }}`` holds something that is not supported."""
    for found in _OPEN.finditer(text):
        _Parser(found[1]).parse()
    if "${{" in _OPEN.sub("", text):
        raise ExpressionError("'}}' is missing")


def check_condition(text: str) -> None:
    """Raise ``ExpressionError`` when an ``if`` is not supported."""
    _Parser(_bare(text)).parse()


def fill(text: str, context: Context) -> str:
    """``text`` with every ``${{ }}`` replaced by its value."""
    return _OPEN.sub(lambda found: as_text(_Parser(found[1]).parse()(context)), text)


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
    whole = re.fullmatch(r"\$\{\{(.*)\}\}", text, re.DOTALL)
    return whole[1] if whole and "${{" not in whole[1] else text
