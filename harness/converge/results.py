"""What a converge did, read from the event lines that the Ruby side prints among its other output."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.kit.secret import redact

MARK = "\x1e"
"""Starts an event line (ASCII record separator, RFC 7464); no program prints it by accident."""
TAIL_LINES = 60


@dataclass(frozen=True, slots=True)
class ResourceResult:
    """One action of one resource."""

    kind: str
    name: str
    action: str
    changed: bool
    seconds: float
    place: str = ""
    """``recipes/default.rb:12``; empty where the engine does not know."""

    def __str__(self) -> str:
        return f"{self.kind}[{self.name}]"


@dataclass(frozen=True, slots=True)
class ConvergeResult:
    """A converge that ended well. ``seconds`` is wall time, the engine's installation included."""

    engine: str
    resources: tuple[ResourceResult, ...]
    seconds: float
    tail: str = ""
    """The end of the output, redacted."""

    @property
    def changed(self) -> tuple[str, ...]:
        """What changed, ``kind[name]`` each, without repetition, in the order of the run."""
        return tuple(dict.fromkeys(str(resource) for resource in self.resources if resource.changed))


@dataclass(frozen=True, slots=True)
class Failed:
    """What the engine says of the resource (or recipe) that ended the run."""

    message: str
    resource: str | None
    action: str | None
    place: str
    output: str


class Transcript:
    """Takes the output line by line; hands people's lines on, keeps events apart."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self.resources: list[ResourceResult] = []
        self.failed: Failed | None = None
        self.done = False
        self.package_wanted: str | None = None
        """SHA-256 of a package that the container could not fetch itself."""
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._on_line = on_line

    @property
    def tail(self) -> str:
        """The end of the output without event lines, redacted."""
        return "\n".join(self._tail)

    def feed(self, line: str) -> None:
        """Take one line of the engine's output."""
        if not line.startswith(MARK):
            return self._say(line)
        try:
            event = json.loads(line.removeprefix(MARK))
        except ValueError:
            return self._say(line.removeprefix(MARK))
        return self._take(event)

    def _say(self, line: str) -> None:
        clean = redact(line.rstrip())
        self._tail.append(clean)
        self._on_line(clean)

    def _take(self, event: dict[str, Any]) -> None:
        match event.get("event"):
            case "resource":
                self._resource(event)
            case "failed":
                self.failed = _failed(event)
            case "done":
                self.done = True
            case "package":
                self.package_wanted = str(event.get("sha256"))

    def _resource(self, event: dict[str, Any]) -> None:
        resource = ResourceResult(
            kind=str(event["kind"]),
            name=redact(_name(event["name"])),
            action=str(event["action"]),
            changed=bool(event["changed"]),
            seconds=round(float(event["seconds"]), 4),
            place=str(event.get("place") or ""),
        )
        self.resources.append(resource)
        if resource.changed:
            self._on_line(f"{resource} {resource.action}: changed in {resource.seconds:.1f} s")


def _name(name: object) -> str:
    """A resource may have several names, such as a package that stands for many."""
    return ", ".join(str(item) for item in name) if isinstance(name, list) else str(name)


def _failed(event: dict[str, Any]) -> Failed:
    kind = event.get("kind")
    return Failed(
        message=redact(str(event.get("message") or "failed")),
        resource=redact(f"{kind}[{_name(event.get('name'))}]") if kind else None,
        action=event.get("action"),
        place=str(event.get("place") or ""),
        output=redact(str(event.get("output") or "")),
    )
