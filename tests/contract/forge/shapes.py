"""Whether answers have the shapes of Gitea's API description: known keys with values of their types, none forgotten.

The description marks no field of an answer as required. A key counts as forgotten when every recorded answer of that
shape has it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent / "data"
_KINDS: dict[str, tuple[type, ...]] = {"string": (str,), "boolean": (bool,), "integer": (int,), "object": (dict,)}
_PREFIX = "/api/v1"


@cache
def _description() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_DATA / "shapes.json").read_text(encoding="utf-8"))
    return found


def schema(method: str, path: str, status: int) -> Any:
    """What an answer looks like; ``None`` where the description does not say."""
    clean = path.partition("?")[0].removeprefix(_PREFIX)
    matching = [(pattern, found) for pattern, found in _description()["paths"].items() if _fits(pattern, clean)]
    matching.sort(key=lambda pair: pair[0].count("{"))  # the most exact pattern wins
    for _, found in matching:
        if method in found:
            return found[method].get(str(status))
    return None


def _fits(pattern: str, path: str) -> bool:
    long = {"{filepath}", "{branch}", "{ref}", "{tag}", "{basehead}", "{archive}", "{head}"}
    special = {"{base}": r"(?!\d+/)[^/]+", **dict.fromkeys(long, ".+")}  # a number is no branch but a pull request
    parts = (special.get(part) or ("[^/]+" if "{" in part else re.escape(part)) for part in pattern.split("/"))
    return re.fullmatch("/".join(parts), path) is not None


def faults(method: str, path: str, status: int, value: Any) -> list[str]:
    """What is wrong with an answer, one line each."""
    wanted = schema(method, path, status)
    if wanted is None or status >= 300:
        return []
    if wanted == "ContentsResponse" and isinstance(value, list):
        wanted = [wanted]  # a directory
    return [f"{method} {path}: {words}" for words in _faults(wanted, value, "")]


def _faults(wanted: Any, value: Any, at: str) -> Iterator[str]:
    if isinstance(wanted, dict):  # an enumeration; Gitea itself answers states that it does not list
        wanted = wanted["type"]
    if isinstance(wanted, list):
        yield from _list(wanted[0], value, at)
    elif wanted in _description()["definitions"]:
        yield from _object(wanted, value, at)
    else:
        kinds = _KINDS.get(str(wanted).split(":")[0])
        if kinds and value is not None and type(value) not in kinds:
            yield f"{at or 'the answer'} is no {wanted}: {value!r:.60}"


def _list(wanted: Any, value: Any, at: str) -> Iterator[str]:
    if value is not None and not isinstance(value, list):
        yield f"{at or 'the answer'} is no list: {value!r:.60}"
    for number, one in enumerate(value if isinstance(value, list) else []):
        yield from _faults(wanted, one, f"{at}[{number}]")


def _object(name: str, value: Any, at: str) -> Iterator[str]:
    keys = _description()["definitions"][name]
    if value is None or "enum" in keys:
        return
    if not isinstance(value, dict):
        yield f"{at or 'the answer'} is no {name}: {value!r:.60}"
        return
    fields = {key.rstrip("*"): kind for key, kind in keys.items()}
    for key, held in value.items():
        if key in fields:
            yield from _faults(fields[key], held, f"{at}.{key}")
        elif key not in _seen(name):
            yield f"{at}.{key} is no field of {name}"
    for key in _always(name) - set(value):
        yield f"{at} lacks {key} of {name}"


@cache
def _recorded() -> Mapping[str, list[frozenset[str]]]:
    """The keys that recorded answers have, by definition."""
    found: dict[str, list[frozenset[str]]] = {}
    for file in sorted(_DATA.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            for step in json.loads(line)["steps"]:
                if step["kind"] == "http":
                    answer = step["answer"]
                    wanted = schema(step["method"], _named(step["path"]), answer["status"])
                    _collect(wanted, answer.get("response"), found)
    return found


def _named(path: str) -> str:
    return path.replace("{{", "").replace("}}", "")


def _collect(wanted: Any, value: Any, found: dict[str, list[frozenset[str]]]) -> None:
    if isinstance(wanted, list) and isinstance(value, list):
        for one in value:
            _collect(wanted[0], one, found)
    elif isinstance(wanted, str) and isinstance(value, dict) and wanted in _description()["definitions"]:
        found.setdefault(wanted, []).append(frozenset(value))
        for key, kind in _description()["definitions"][wanted].items():
            _collect(kind, value.get(key.rstrip("*")), found)


def _always(name: str) -> frozenset[str]:
    """Keys of every recorded answer of that shape."""
    seen = _recorded().get(name, [])
    return frozenset.intersection(*seen) if seen else frozenset()


def _seen(name: str) -> frozenset[str]:
    """Keys of any recorded answer of that shape, which Gitea sends although its description leaves them out."""
    return frozenset().union(*_recorded().get(name, []))
