"""The ways in which a pipeline says something: statuses, comments, descriptions, the list of containers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from harness.forge import comments, repositories, statuses
from harness.forge.client import Forge
from harness.forge.errors import ForgeError
from harness.forge.statuses import State
from harness.kit.clock import Deadline
from harness.kit.secret import redact
from harness.pipeline.outbox import Message, Outbox

PLAN: Final = "gitops/plan"
DEPLOY: Final = "gitops/deploy"
CONFIGURE: Final = "gitops/configure"
SNAPSHOT: Final = "gitops/snapshot"
CONTAINERS: Final = "/api/gitops/containers"
REPORTS: Final = "/api/gitops/reports"
_NO_SUCH_PAGE: Final = (404, 405)
"""What a forge answers that has no such place (Gitea): its pages take the path for one of a repository."""
_PATIENCE: Final = 60.0
"""Seconds that an ending job waits for a forge that is away."""


@dataclass(frozen=True, slots=True)
class Commit:
    """Commit ``sha`` of repository ``slug``; ``page`` is where there is more to read about what is said of it."""

    slug: str
    sha: str
    page: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A run's report: the ``file`` that holds it, the ``repository`` and the run of Actions (0: none) it belongs to."""

    name: str
    file: str
    repository: str
    run: int


class Voice(Protocol):
    """Where a pipeline's words go."""

    def status(self, commit: Commit, context: str, state: State, line: str) -> None:
        """One line about a commit."""

    def comment(self, slug: str, number: int, topic: str, body: str) -> None:
        """The one comment about ``topic`` in a pull request."""

    def describe(self, slug: str, text: str) -> None:
        """A repository's description."""

    def containers(self, document: Mapping[str, Any]) -> None:
        """The list of containers for the forge's pages."""

    def report(self, found: Report) -> None:
        """A report for the forge's pages."""

    def close(self) -> None:
        """Let everything be heard that was said."""


class ForgeVoice:
    """Tells the forge, through an outbox."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def status(self, commit: Commit, context: str, state: State, line: str) -> None:
        about = {"slug": commit.slug, "sha": commit.sha, "target": commit.page}
        values = {**about, "context": context, "state": state, "line": redact(line)}
        self._outbox.send(Message("status", f"{commit.slug} {commit.sha} {context}", values))

    def comment(self, slug: str, number: int, topic: str, body: str) -> None:
        values = {"slug": slug, "number": number, "topic": topic, "body": redact(body)}
        self._outbox.send(Message("comment", f"{slug} {number} {topic}", values))

    def describe(self, slug: str, text: str) -> None:
        self._outbox.send(Message("describe", slug, {"slug": slug, "text": redact(text)}))

    def containers(self, document: Mapping[str, Any]) -> None:
        self._outbox.send(Message("containers", str(document.get("target", "")), {"document": dict(document)}))

    def report(self, found: Report) -> None:
        self._outbox.send(Message("report", found.name, asdict(found)))

    def close(self) -> None:
        self._outbox.flush(Deadline(_PATIENCE))


class Aloud:
    """Tells the person at the terminal: there is no forge."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def status(self, commit: Commit, context: str, state: State, line: str) -> None:  # noqa: ARG002
        self._say(redact(f"{context}: {state}: {line}"))

    def comment(self, slug: str, number: int, topic: str, body: str) -> None:  # noqa: ARG002
        self._say(redact(body))

    def describe(self, slug: str, text: str) -> None:
        self._say(redact(f"{slug}: {text}"))

    def containers(self, document: Mapping[str, Any]) -> None:
        """Nobody asks for the list."""

    def report(self, found: Report) -> None:
        """It stays where it is."""

    def close(self) -> None:
        """All of it was heard at once."""


def deliver(forge: Forge, record: dict[str, Any]) -> None:
    """Tell the forge one kept message; raises what the forge's client raises. Saying it twice does no harm."""
    _DELIVERY[record["kind"]](forge, record)


def _status(forge: Forge, record: dict[str, Any]) -> None:
    statuses.report(
        forge,
        record["slug"],
        record["sha"],
        record["context"],
        record["state"],
        description=record["line"],
        target=record["target"],
    )


def _comment(forge: Forge, record: dict[str, Any]) -> None:
    comments.keep(forge, record["slug"], record["number"], record["topic"], record["body"])


def _describe(forge: Forge, record: dict[str, Any]) -> None:
    there = repositories.find(forge, record["slug"])
    if there is not None and there.description != record["text"]:
        repositories.edit(forge, record["slug"], description=record["text"])


def _containers(forge: Forge, record: dict[str, Any]) -> None:
    _put(forge, CONTAINERS, record["document"])


def _report(forge: Forge, record: dict[str, Any]) -> None:
    hand_over(forge, Report(*(record[key] for key in ("name", "file", "repository", "run"))))


def hand_over(forge: Forge, found: Report) -> str:
    """Give a report to the forge's pages; its path there, empty where the forge keeps none or the file is gone."""
    try:
        html = Path(found.file).read_text()
    except FileNotFoundError:
        return ""
    document = {"html": html, "repository": found.repository, "run": found.run}
    return urlsplit(str((_put(forge, f"{REPORTS}/{found.name}", document) or {}).get("url") or "")).path


def _put(forge: Forge, path: str, document: dict[str, Any]) -> Any:
    try:
        return forge.put(path, document)
    except ForgeError as refused:
        if refused.status not in _NO_SUCH_PAGE:
            raise
        return None


_DELIVERY: Final = {
    "status": _status,
    "comment": _comment,
    "describe": _describe,
    "containers": _containers,
    "report": _report,
}
