"""Actions expressions, ``${{ … }}``: read into a tree, evaluated against contexts.

Semantics as in GitHub's "Evaluate expressions in workflows": comparison is loose and ignores case, a missing property
is null, ``&&`` and ``||`` give one of their operands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.embedded.runner import functions
from harness.embedded.runner.functions import Function
from harness.embedded.runner.values import compare, equal, show, truthy

_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?))(?![\w.])"
    r"|'(?P<text>(?:[^']|'')*)'"
    r"|(?P<name>[A-Za-z_][\w-]*)"
    r"|(?P<sign>==|!=|<=|>=|&&|\|\||[!<>()\[\].,*]))"
)
_EMBEDDED = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_STATUS = re.compile(r"\b(?:success|failure|always|cancelled)\s*\(", re.IGNORECASE)
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
_LEVELS: tuple[tuple[str, ...], ...] = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="))


class ExpressionError(ValueError):
    """An expression that cannot be read or evaluated."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression sees: contexts by name, functions by name in small letters."""

    contexts: Mapping[str, Any]
    functions: Mapping[str, Function]


def scope(contexts: Mapping[str, Any], status: Mapping[str, Function] | None = None) -> Scope:
    """The usual functions, with the status functions of the moment."""
    return Scope(contexts, {**functions.ALL, **(status or {})})


def evaluate(text: str, where: Scope) -> Any:
    """The value of an expression without ``${{ }}``; raises ``ExpressionError``."""
    return _Reader(text, where).read()


def fill(text: str, where: Scope) -> str:
    """``text`` with every ``${{ }}`` in it replaced; raises ``ExpressionError``."""
    return _EMBEDDED.sub(lambda found: show(evaluate(found[1], where)), text)


def holds(condition: str, where: Scope) -> bool:
    """Whether an ``if`` holds; without a status function it holds only after success. Raises ``ExpressionError``."""
    bare = condition.strip()
    whole = re.fullmatch(r"\$\{\{(.*)\}\}", bare, re.DOTALL)
    inner = whole[1].strip() if whole and "${{" not in whole[1] else bare
    if "${{" in inner:
        inner = fill(inner, where)
    if _STATUS.search(inner):
        return truthy(evaluate(inner, where))
    return truthy(evaluate("success()", where)) and (not inner or truthy(evaluate(inner, where)))


def _tokens(text: str) -> list[tuple[str, str]]:
    found, position = [], 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            raise ExpressionError(f"{text.strip()}: unexpected {text[position:].strip()[0]!r}")
        kind = str(match.lastgroup)
        found.append((kind, match[kind]))
        position = match.end()
    return found


class _Reader:
    """Reads and evaluates in one pass; ``live`` is false in the branch of ``&&`` or ``||`` that does not count."""

    def __init__(self, text: str, where: Scope) -> None:
        self.text = text
        self.where = where
        self.tokens = _tokens(text)
        self.at = 0
        self.live = True

    def read(self) -> Any:
        value = self._binary(0)
        if self.at < len(self.tokens):
            raise self._error(f"unexpected {self.tokens[self.at][1]!r}")
        return value

    def _error(self, words: str) -> ExpressionError:
        return ExpressionError(f"{self.text.strip()}: {words}")

    def _sign(self, *wanted: str) -> str:
        """The next sign if it is one of ``wanted``, which is then passed; else an empty string."""
        if self.at < len(self.tokens):
            kind, value = self.tokens[self.at]
            if kind == "sign" and value in wanted:
                self.at += 1
                return value
        return ""

    def _expect(self, sign: str) -> None:
        if not self._sign(sign):
            raise self._error(f"{sign!r} is missing")

    def _binary(self, level: int) -> Any:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while sign := self._sign(*_LEVELS[level]):
            left = self._combine(sign, left, level + 1)
        return left

    def _combine(self, sign: str, left: Any, level: int) -> Any:
        if sign not in ("&&", "||"):
            right = self._binary(level)
            return _COMPARISONS[sign](left, right)
        before, decided = self.live, truthy(left) == (sign == "||")
        self.live = before and not decided
        right = self._binary(level)
        self.live = before
        return left if decided else right

    def _unary(self) -> Any:
        if self._sign("!"):
            return not truthy(self._unary())
        value = self._primary()
        while sign := self._sign(".", "["):
            value = self._inside(value, sign)
        return value

    def _inside(self, value: Any, sign: str) -> Any:
        if sign == ".":
            return _spread(value) if self._sign("*") else _property(value, self._take("name"))
        if self._sign("*"):
            self._expect("]")
            return _spread(value)
        key = self._binary(0)
        self._expect("]")
        return _property(value, key)

    def _take(self, kind: str) -> str:
        if self.at >= len(self.tokens) or self.tokens[self.at][0] != kind:
            raise self._error(f"a {kind} is missing")
        self.at += 1
        return self.tokens[self.at - 1][1]

    def _primary(self) -> Any:
        if self._sign("("):
            value = self._binary(0)
            self._expect(")")
            return value
        if self.at >= len(self.tokens):
            raise self._error("ends too early")
        kind, word = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return float(int(word, 16)) if "x" in word else float(word)
        if kind == "text":
            return word.replace("''", "'")
        if kind == "name":
            return self._named(word)
        raise self._error(f"unexpected {word!r}")

    def _named(self, word: str) -> Any:
        if self._sign("("):
            return self._call(word)
        if word.lower() in _WORDS:
            return _WORDS[word.lower()]
        contexts = {name.lower(): value for name, value in self.where.contexts.items()}
        if word.lower() not in contexts:
            raise self._error(f"there is no context {word!r} here")
        return contexts[word.lower()]

    def _call(self, word: str) -> Any:
        function = self.where.functions.get(word.lower())
        if function is None:
            raise self._error(f"there is no function {word!r} here")
        arguments = [] if self._sign(")") else self._arguments()
        try:
            return function(*arguments) if self.live else None
        except (TypeError, ValueError, IndexError) as wrong:
            raise self._error(f"{word}: {wrong}") from wrong

    def _arguments(self) -> list[Any]:
        found = [self._binary(0)]
        while self._sign(","):
            found.append(self._binary(0))
        self._expect(")")
        return found


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "<": lambda left, right: compare(left, right, lambda a, b: a < b),
    "<=": lambda left, right: compare(left, right, lambda a, b: a <= b),
    ">": lambda left, right: compare(left, right, lambda a, b: a > b),
    ">=": lambda left, right: compare(left, right, lambda a, b: a >= b),
}


def _property(value: Any, key: Any) -> Any:
    if isinstance(value, Mapping):
        wanted = show(key).lower()
        return next((one for name, one in value.items() if name.lower() == wanted), None)
    if isinstance(value, Sequence) and not isinstance(value, str) and isinstance(key, float | int) and key == int(key):
        return value[int(key)] if 0 <= key < len(value) else None
    return None


def _spread(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []
