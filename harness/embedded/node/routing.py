"""Handlers by verb and path of the schema, and the call that a handler sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.embedded.node.node import Node
from harness.embedded.node.permissions import Permissions


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a multipart body."""

    filename: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """A call that passed authentication, permission and the schema."""

    node: Node
    user: str
    method: str
    path: str
    params: Mapping[str, Any]
    uploads: Mapping[str, Upload] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        """A parameter's text, or None."""
        value = self.params.get(name)
        return None if value is None else str(value)

    def need(self, name: str) -> str:
        """A parameter that the schema requires."""
        return str(self.params[name])

    def number(self, name: str, default: int) -> int:
        """A parameter as an integer."""
        value = self.get(name)
        return default if value is None else int(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean parameter."""
        value = self.get(name)
        return default if value is None else value == "1"

    @property
    def vmid(self) -> int:
        """The container that the path names."""
        return int(self.need("vmid"))

    @property
    def permissions(self) -> Permissions:
        """The node's permissions."""
        return self.node.permissions

    def may(self, path: str, *privileges: str) -> bool:
        """Whether the caller has all the privileges."""
        return self.permissions.allows(self.user, path, privileges)

    def may_any(self, path: str, *privileges: str) -> bool:
        """Whether the caller has one of the privileges."""
        return self.permissions.allows_any(self.user, path, privileges)


@dataclass(frozen=True, slots=True)
class Result:
    """An answer with keys beside ``data``."""

    data: Any
    beside: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Text:
    """An answer that is no JSON."""

    content: str


Handler = Callable[[Call], Any]
_handlers: dict[tuple[str, str], Handler] = {}


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Register the handler of a verb and path."""

    def keep(handler: Handler) -> Handler:
        _handlers[method, path] = handler
        return handler

    return keep


def handler_of(method: str, path: str) -> Handler | None:
    """The handler, or None when the schema knows the call and this node does not do it."""
    return _handlers.get((method, path))


def implemented() -> frozenset[tuple[str, str]]:
    """Every verb and path that has a handler."""
    return frozenset(_handlers)
