"""What expressions do with values: truth, text, comparison, functions.

Comparing strings ignores case, as in Actions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any


def truth(value: Any) -> bool:
    """Whether a value counts as true."""
    return value not in (None, False, 0, "")


def as_text(value: Any) -> str:
    """A value inside a string."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "Object"
    return "Array" if isinstance(value, list | tuple) else str(value)


def _number(value: Any) -> float:
    """A value beside one of another type, as Actions compares them; what is no number equals nothing."""
    if isinstance(value, str):
        try:
            return float(value.strip() or 0)
        except ValueError:
            return math.nan
    return float(value or 0)


def compare(op: str, left: Any, right: Any) -> bool:
    """``left`` and ``right`` by one of the six operators."""
    if isinstance(left, dict | list) or isinstance(right, dict | list):
        return left == right if op == "==" else left != right if op == "!=" else False
    if isinstance(left, str) and isinstance(right, str):
        left, right = left.lower(), right.lower()
    else:
        left, right = _number(left), _number(right)
    checks: dict[str, Callable[[], bool]] = {
        "==": lambda: left == right,
        "!=": lambda: left != right,
        "<": lambda: left < right,
        ">": lambda: left > right,
        "<=": lambda: left <= right,
        ">=": lambda: left >= right,
    }
    return bool(checks[op]())


def _contains(where: Any, what: Any) -> bool:
    if isinstance(where, list | tuple):
        return any(compare("==", entry, what) for entry in where)
    return as_text(what).lower() in as_text(where).lower()


def _format(pattern: Any, *values: Any) -> str:
    def value(found: re.Match[str]) -> str:
        number = int(found[1])
        return as_text(values[number]) if number < len(values) else found[0]

    return re.sub(r"\{(\d{1,3})\}", value, as_text(pattern))


def _join(items: Any, by: Any = ",") -> str:
    return as_text(by).join(as_text(item) for item in items) if isinstance(items, list | tuple) else as_text(items)


FUNCTIONS: dict[str, tuple[range, Callable[..., Any]]] = {
    "contains": (range(2, 3), _contains),
    "startswith": (range(2, 3), lambda text, start: as_text(text).lower().startswith(as_text(start).lower())),
    "endswith": (range(2, 3), lambda text, end: as_text(text).lower().endswith(as_text(end).lower())),
    "format": (range(1, 100), _format),
    "join": (range(1, 3), _join),
}
"""By their names in lower case: how many arguments each takes, and what it does."""
