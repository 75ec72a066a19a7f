"""JSON objects with the line of every key, so that an error or an explanation can point at it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from json.decoder import WHITESPACE, scanstring  # type: ignore[attr-defined]
from typing import Any


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object: its dotted key, its value, and its line (from 1). Objects are not members themselves
    unless they are empty or lie in a list."""

    key: str
    value: Any
    line: int


def members(text: str) -> list[Member]:
    """Every member of the object ``text``, nested ones dotted, repeated keys included.

    Raises ``json.JSONDecodeError`` for text that is not JSON and ``TypeError`` when it is not an object.
    """
    if not isinstance(json.loads(text), dict):
        raise TypeError("not a JSON object")
    return list(_object(text, _skip(text, 0), ""))


def _object(text: str, start: int, prefix: str) -> Iterator[Member]:
    """The members of the object that opens at ``start``; the text is known to be valid JSON."""
    position = _skip(text, start + 1)
    while text[position] != "}":
        line = text.count("\n", 0, position) + 1
        key, position = scanstring(text, position + 1)
        position = _skip(text, _skip(text, position) + 1)
        value, end = json.JSONDecoder().raw_decode(text, position)
        if isinstance(value, dict) and value:
            yield from _object(text, position, f"{prefix}{key}.")
        else:
            yield Member(f"{prefix}{key}", value, line)
        position = _skip(text, end)
        if text[position] == ",":
            position = _skip(text, position + 1)


def _skip(text: str, position: int) -> int:
    match = WHITESPACE.match(text, position)
    return int(match.end()) if match else position
