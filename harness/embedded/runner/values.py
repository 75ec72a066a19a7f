"""Values of expressions: what counts as true, how they compare and how they are written."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any


def truthy(value: Any) -> bool:
    """False, 0, an empty string and null are not true."""
    if isinstance(value, float) and math.isnan(value):
        return False
    return isinstance(value, dict | list) or value not in (None, False, 0, "")


def equal(left: Any, right: Any) -> bool:
    """Loosely: strings ignore case, unlike kinds compare as numbers."""
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    if isinstance(left, dict | list) or isinstance(right, dict | list):
        return left is right
    if left is None and right is None:
        return True
    return number(left) == number(right)


def compare(left: Any, right: Any, how: Callable[[Any, Any], bool]) -> bool:
    """By ``how``: strings with each other ignoring case, everything else as numbers."""
    if isinstance(left, str) and isinstance(right, str):
        return how(left.lower(), right.lower())
    return how(number(left), number(right))


def number(value: Any) -> float:
    """As a number; NaN when it is none."""
    if value is None or value == "":
        return 0.0
    if isinstance(value, str):
        return _read(value.strip())
    return float(value) if isinstance(value, bool | int | float) else math.nan


def _read(text: str) -> float:
    try:
        return float(int(text, 16)) if text.lower().startswith("0x") else float(text)
    except ValueError:
        return math.nan


def show(value: Any) -> str:
    """As text inside other text; mappings and lists as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(plain(value), indent=2, ensure_ascii=False)


def plain(value: Any) -> Any:
    """For JSON: whole numbers without a point."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
