"""What is known of the containers: a document that the harness publishes and the page *Containers* shows.

The forge keeps it as ``containers.json`` in its state, replaced whole and at once. It is a view, not a source: plans
and deployments never read it.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from harness.embedded.forge import clock
from harness.embedded.forge.errors import InvalidError
from harness.embedded.forge.forge import Forge
from harness.kit.files import write_atomic

FILE = "containers.json"
MOST_BYTES = 1024 * 1024
_STATES = ("running", "stopped", "missing", "unknown")
_OUTCOMES = ("passed", "failed", "none")
_ENTAILS = ("none", "restart", "replace", "create", "remove")
_LOCK = threading.Lock()
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """One field that the plan would change, and what that entails: none, restart, replace, create or remove."""

    field: str
    old: str
    new: str
    entails: str


@dataclass(frozen=True, slots=True)
class Specs:
    """The last result of a container's specs. ``link`` and ``report`` are paths on this forge, ``run`` the harness's
    own name of the run; ``failures`` quotes what failed.
    """

    outcome: str = "none"
    passed: int = 0
    failed: int = 0
    at: str = ""
    link: str = ""
    run: str = ""
    failures: tuple[str, ...] = ()
    report: str = ""


@dataclass(frozen=True, slots=True)
class Container:
    """One container. ``revision`` and ``commit`` say what was last verified, ``unit`` how systemd calls its service."""

    name: str
    id: int = 0
    hostname: str = ""
    status: str = "unknown"
    unit: str = ""
    address: str = ""
    node: str = ""
    stage: str = ""
    repository: str = ""
    revision: str = ""
    commit: str = ""
    specs: Specs = Specs()
    changes: tuple[Change, ...] = ()
    changes_link: str = ""
    checked: str = ""

    @property
    def entails(self) -> str:
        """The gravest of what its changes entail; empty without changes."""
        found = {change.entails for change in self.changes}
        return next((one for one in reversed(_ENTAILS) if one in found), "")


@dataclass(frozen=True, slots=True)
class Board:
    """All of them, and when the forge was told."""

    containers: tuple[Container, ...] = ()
    target: str = ""
    published: str = ""

    @property
    def running(self) -> int:
        """How many run."""
        return sum(one.status == "running" for one in self.containers)

    @property
    def open_changes(self) -> int:
        """How many have a plan that is not empty."""
        return sum(bool(one.changes) for one in self.containers)

    @property
    def failing(self) -> int:
        """How many have specs that failed."""
        return sum(one.specs.outcome == "failed" for one in self.containers)


def read(forge: Forge) -> Board | None:
    """What was published last; ``None`` when nothing was, or when it cannot be read: the next one replaces it."""
    path = forge.settings.state / FILE
    try:
        return parse(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, InvalidError) as wrong:
        _log.warning("%s cannot be read: %s", FILE, wrong)
        return None


def publish(forge: Forge, document: Any) -> Board:
    """Replace everything; raises ``InvalidError`` naming the field that is wrong."""
    found = parse(document)
    with _LOCK:
        return _write(forge, found.containers, found.target)


def publish_one(forge: Forge, name: str, document: Any) -> Container:
    """Replace or add one container; the others stay. Raises ``InvalidError``."""
    found = container({**_mapping(document, "the body"), "name": name}, name)
    with _LOCK:
        known = read(forge) or Board()
        others = [one for one in known.containers if one.name != name]
        _write(forge, (*others, found), known.target)
    return found


def remove_one(forge: Forge, name: str) -> bool:
    """Forget one container; whether it was known."""
    with _LOCK:
        known = read(forge) or Board()
        kept = tuple(one for one in known.containers if one.name != name)
        if len(kept) == len(known.containers):
            return False
        _write(forge, kept, known.target)
    return True


def as_json(board: Board) -> dict[str, Any]:
    """In the form in which it is published."""
    return {"version": 1, **asdict(board)}


def _write(forge: Forge, found: tuple[Container, ...], target: str) -> Board:
    ordered = tuple(sorted(found, key=lambda one: (one.stage, one.id or 10**9, one.name)))
    board = Board(ordered, target, clock.show(clock.now()))
    write_atomic(forge.settings.state / FILE, json.dumps(as_json(board), indent=1) + "\n", mode=0o600)
    return board


# Reading what was sent


def parse(document: Any) -> Board:
    """A document as sent or kept; raises ``InvalidError``. Keys that are not known are left out."""
    raw = _mapping(document, "the body")
    if raw.get("version", 1) != 1:
        raise InvalidError("version: only 1 is known")
    listed = _list(raw.get("containers"), "containers", 1000)
    found = tuple(container(one, f"containers[{at}]") for at, one in enumerate(listed))
    names = [one.name for one in found]
    if len(set(names)) != len(names):
        raise InvalidError("containers: a name stands there twice")
    return Board(found, _text(raw, "target", ""), _text(raw, "published", ""))


def container(document: Any, where: str) -> Container:
    """One container; ``where`` stands before the field in refusals."""
    raw = _mapping(document, where)
    name = _text(raw, "name", where)
    if not name:
        raise InvalidError(f"{where}.name: is missing")
    texts = ("hostname", "unit", "address", "node", "stage", "repository", "revision", "commit", "checked")
    changes = _list(raw.get("changes"), f"{where}.changes", 200)
    return Container(
        name=name,
        id=_number(raw, "id", where),
        status=_choice(raw, "status", _STATES, "unknown", where),
        specs=_specs(raw.get("specs"), f"{where}.specs"),
        changes=tuple(_change(one, f"{where}.changes[{at}]") for at, one in enumerate(changes)),
        changes_link=_link(raw, "changes_link", where),
        **{key: _text(raw, key, where) for key in texts},
    )


def _specs(document: Any, where: str) -> Specs:
    if document is None:
        return Specs()
    raw = _mapping(document, where)
    failures = tuple(str(one)[:2000] for one in _list(raw.get("failures"), f"{where}.failures", 50))
    return Specs(
        _choice(raw, "outcome", _OUTCOMES, "none", where),
        _number(raw, "passed", where),
        _number(raw, "failed", where),
        _text(raw, "at", where),
        _link(raw, "link", where),
        _text(raw, "run", where),
        failures,
        _link(raw, "report", where),
    )


def _change(document: Any, where: str) -> Change:
    raw = _mapping(document, where)
    old, new = _text(raw, "old", where), _text(raw, "new", where)
    return Change(_text(raw, "field", where), old, new, _choice(raw, "entails", _ENTAILS, "none", where))


def _mapping(document: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(document, Mapping):
        raise InvalidError(f"{where}: an object is expected")
    return document


def _list(document: Any, where: str, most: int) -> list[Any]:
    if document is None:
        return []
    if not isinstance(document, list) or len(document) > most:
        raise InvalidError(f"{where}: a list of at most {most} is expected")
    return document


def _text(raw: Mapping[str, Any], key: str, where: str) -> str:
    value = raw.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 1000:
        raise InvalidError(f"{where}.{key}: a text of at most 1000 characters is expected")
    return value


def _link(raw: Mapping[str, Any], key: str, where: str) -> str:
    value = _text(raw, key, where)
    if value and (not value.startswith("/") or value.startswith("//") or "\\" in value):
        raise InvalidError(f"{where}.{key}: a path on this forge is expected, as in /main/config/pulls/1")
    return value


def _number(raw: Mapping[str, Any], key: str, where: str) -> int:
    value = raw.get(key) or 0
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidError(f"{where}.{key}: a number is expected")
    return value


def _choice(raw: Mapping[str, Any], key: str, known: tuple[str, ...], default: str, where: str) -> str:
    value = _text(raw, key, where) or default
    if value not in known:
        raise InvalidError(f"{where}.{key}: one of {', '.join(known)} is expected")
    return value
