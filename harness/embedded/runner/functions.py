"""The functions that expressions may call."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from harness.embedded.runner.values import equal, plain, show

Function = Callable[..., Any]
_PLACE = re.compile(r"\{\{|\}\}|\{(\d+)\}")


def contains(where: Any, what: Any) -> bool:
    """Whether a list has the element, or a text the part, case ignored."""
    if isinstance(where, list):
        return any(equal(one, what) for one in where)
    return show(what).lower() in show(where).lower()


def starts_with(text: Any, start: Any) -> bool:
    """Case ignored."""
    return show(text).lower().startswith(show(start).lower())


def ends_with(text: Any, end: Any) -> bool:
    """Case ignored."""
    return show(text).lower().endswith(show(end).lower())


def fill_places(text: Any, *values: Any) -> str:
    """``{0}`` and so on by ``values``; doubled braces stand for themselves."""
    return _PLACE.sub(lambda found: show(values[int(found[1])]) if found[1] else found[0][0], show(text))


def join(values: Any, between: Any = ",") -> str:
    """The elements of a list as one text."""
    return show(between).join(show(one) for one in values) if isinstance(values, list) else show(values)


def to_json(value: Any) -> str:
    """Indented by two, as Actions does."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False)


def from_json(text: Any) -> Any:
    """Numbers become floating-point ones, as all numbers here are."""
    return json.loads(show(text), parse_int=float)


ALL: Mapping[str, Function] = {
    "contains": contains,
    "startswith": starts_with,
    "endswith": ends_with,
    "format": fill_places,
    "join": join,
    "tojson": to_json,
    "fromjson": from_json,
}
