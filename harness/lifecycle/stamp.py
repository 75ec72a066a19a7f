"""The stamp that says whose a container is: a line for people and a line for us in its description, and a tag.

What a person wrote around the two lines stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

TAG: Final = "gitops"
_HUMAN: Final = "Managed from a git repository; changes by hand are undone by the next deploy."
_MACHINE: Final = "gitops-stamp:"
# One optional quote sign or blank before it, for people indent and quote; the rest of the line must be the object.
_LINE: Final = re.compile(rf"^[ \t>]*{re.escape(_MACHINE)}[ \t]*(?P<json>\{{.*\}})[ \t\r]*$")


@dataclass(frozen=True, slots=True)
class Stamp:
    """Whose container this is and what has been proven on it."""

    monorepo: str
    container: str
    stage: str | None = None
    revision: str | None = None
    """The revision whose every item has passed; None from the moment work on the container begins."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """What the last verified revision was made of, so that a plan can say which part differs; empty: never verified."""
    commit: str | None = None
    host_key: str | None = None
    """The container's ssh host key (``ssh-ed25519 AAAA…``), for whoever did not make it."""


def render(stamp: Stamp, around: str = "") -> str:
    """The description ``around`` with its stamp replaced by this one, or with this one appended."""
    block = [_human_line(stamp), f"{_MACHINE} {_as_json(stamp)}"]
    lines = around.split("\n")
    kept = [line for line in lines if not _is_ours(line)]
    place = next((index for index, line in enumerate(lines) if _is_ours(line)), None)
    if place is not None:
        return "\n".join([*kept[:place], *block, *kept[place:]])
    text = "\n".join(kept).rstrip("\n")
    return "\n".join([text, "", *block] if text else block)


def parse(description: str | None) -> Stamp | None:
    """The stamp in a description; None when there is none, or none that can be read."""
    for line in (description or "").split("\n"):
        match = _LINE.match(line)
        stamp = _from_json(match["json"]) if match else None
        if stamp is not None:
            return stamp
    return None


def without(description: str) -> str:
    """What people wrote: the description without our two lines."""
    return "\n".join(line for line in description.split("\n") if not _is_ours(line)).strip("\n")


def _human_line(stamp: Stamp) -> str:
    state = f"revision {stamp.revision}" if stamp.revision else "not verified yet"
    commit = f", commit {stamp.commit}" if stamp.commit else ""
    stage = f", stage {stamp.stage}" if stamp.stage else ""
    return " ".join(f"{_HUMAN} {stamp.container}{stage}: {state}{commit}".split())


def _is_ours(line: str) -> bool:
    text = line.lstrip(" \t>")
    return text.startswith(_HUMAN) or bool(_LINE.match(line))


def _as_json(stamp: Stamp) -> str:
    values = {
        "monorepo": stamp.monorepo,
        "container": stamp.container,
        "stage": stamp.stage,
        "revision": stamp.revision,
        "parts": dict(stamp.parts),
        "commit": stamp.commit,
        "host_key": stamp.host_key,
    }
    return json.dumps({name: value for name, value in values.items() if value}, sort_keys=True)


def _from_json(text: str) -> Stamp | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if not isinstance(found, dict) or not all(isinstance(found.get(key), str) for key in ("monorepo", "container")):
        return None
    parts = found.get("parts")
    return Stamp(
        monorepo=found["monorepo"],
        container=found["container"],
        stage=_text(found.get("stage")),
        revision=_text(found.get("revision")),
        parts={str(key): str(value) for key, value in parts.items()} if isinstance(parts, dict) else {},
        commit=_text(found.get("commit")),
        host_key=_text(found.get("host_key")),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
