"""The official schema as data: which calls there are, their parameters, and who may make them.

The files in ``data`` are the container-side part of the API schema of two releases; ``supplement.json`` adds the few
paths outside that part which a client of containers meets (indexes, empty lists).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from typing import Any

from harness.embedded.node.grammar import verify

Rules = Mapping[str, verify.Rule]
RELEASES = ("9.2", "8.4")
_LAST = ("volume", "cidr")
_COUNTS = {"net": 32, "mp": 256, "dev": 256, "unused": 256, "link": 8, "hostpci": 16}


@dataclass(frozen=True)
class Endpoint:
    """One verb of one path."""

    method: str
    path: str
    definition: Mapping[str, Any]

    @property
    def permissions(self) -> Mapping[str, Any] | None:
        """The permission expression; None means that only root@pam may call."""
        found: Mapping[str, Any] | None = self.definition.get("permissions")
        return found

    @property
    def allows_token(self) -> bool:
        """Whether an API token may make this call."""
        return bool(self.definition.get("allowtoken", 1))

    @property
    def proxied(self) -> bool:
        """Whether the call is answered by the node that it names."""
        return self.path.startswith("/nodes/{node}/")

    @cached_property
    def rules(self) -> Rules:
        """The parameters, numbered ones (``net[n]``) written out."""
        properties = self.definition.get("parameters", {}).get("properties", {})
        rules: dict[str, verify.Rule] = {}
        for name, rule in properties.items():
            rules.update(_numbered(name, rule))
        return rules

    def faults(self, values: Mapping[str, Any]) -> verify.Errors:
        """What is wrong with ``values``, by parameter."""
        extra = bool(self.definition.get("parameters", {}).get("additionalProperties", 1))
        return verify.verify_object(self.rules, values, extra=extra)


def _numbered(name: str, rule: verify.Rule) -> dict[str, verify.Rule]:
    if not name.endswith("[n]"):
        return {name: rule}
    stem = name.removesuffix("[n]")
    return {f"{stem}{index}": rule for index in range(_COUNTS.get(stem, 32))}


class _Place:
    """A node of the tree of paths."""

    __slots__ = ("children", "endpoints", "variable")

    def __init__(self) -> None:
        self.children: dict[str, _Place] = {}
        self.variable: tuple[str, _Place] | None = None
        self.endpoints: dict[str, Endpoint] = {}


class Schema:
    """All calls of one release."""

    def __init__(self, release: str) -> None:
        self.release = release
        self._root = _Place()
        self.endpoints: dict[tuple[str, str], Endpoint] = {}
        supplement = _load("supplement.json")
        for source in (_load(f"schema-{release}.json"), supplement):
            for path, verbs in source["endpoints"].items():
                self._insert(path, verbs)
        for path, verbs in supplement["parameters"].items():
            for method, rules in verbs.items():
                self.endpoints[method, path].definition["parameters"]["properties"].update(rules)

    def _insert(self, path: str, verbs: Mapping[str, Mapping[str, Any]]) -> None:
        place = self._root
        for part in path.strip("/").split("/") if path != "/" else []:
            place = _descend(place, part)
        for method, definition in verbs.items():
            if method not in place.endpoints:
                endpoint = Endpoint(method, path, definition)
                place.endpoints[method] = self.endpoints[method, path] = endpoint

    def find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
        """The call for a decoded path, and the values of its variables; None when there is none."""
        place, values = self._root, {}
        parts = [part for part in path.split("/") if part]
        while parts:
            part = parts.pop(0)
            if part in place.children:
                place = place.children[part]
            elif place.variable:
                name, place = place.variable
                if name in _LAST:  # it may hold slashes, so it is the end of its path
                    part, parts = "/".join([part, *parts]), []
                values[name] = part
            else:
                return None
        found = place.endpoints.get(method)
        return (found, values) if found else None

    def format_of(self, method: str, path: str, parameter: str) -> Mapping[str, verify.Rule]:
        """The property-string format of a parameter."""
        form: Mapping[str, verify.Rule] = self.endpoints[method, path].rules[parameter]["format"]
        return form


def _descend(place: _Place, part: str) -> _Place:
    variable = re.fullmatch(r"\{(\w+)\}", part)
    if not variable:
        return place.children.setdefault(part, _Place())
    if place.variable is None:
        place.variable = (variable[1], _Place())
    return place.variable[1]


def _load(name: str) -> dict[str, Any]:
    text = resources.files("harness.embedded.node").joinpath("data", name).read_text()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@lru_cache(maxsize=2)
def load(release: str) -> Schema:
    """The schema of a release, read once."""
    return Schema(release)
