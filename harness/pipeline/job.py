"""What started us: the event, the repository and the commit, as a runner tells them in the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.kit.errors import UsageError
from harness.kit.secret import Secret


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pull request as the event tells of it."""

    number: int
    base: str
    """The branch that it shall go into."""
    head_sha: str


@dataclass(frozen=True, slots=True)
class Job:
    """One job of a workflow. ``repository`` is ``owner/name``, ``branch`` the one that was pushed or dispatched."""

    server: str
    repository: str
    event: str
    branch: str
    sha: str
    page: str
    """Address of the run's page, which Gitea finds by the run's id."""
    token: Secret | None = None
    proposal: Proposal | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The repository without its owner."""
        return self.repository.partition("/")[2]

    @property
    def organisation(self) -> str:
        """The repository's owner."""
        return self.repository.partition("/")[0]

    @property
    def run_id(self) -> int:
        """The run's number in its page's address, 0 when there is none."""
        last = self.page.rpartition("/")[2]
        return int(last) if last.isdecimal() else 0

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Job | None:
        """The job that this process is a step of (``GITHUB_…``, as Actions promises them); None by hand.

        Raises ``UsageError`` when the runner's file with the event cannot be read.
        """
        if not environ.get("GITHUB_REPOSITORY") or not environ.get("GITHUB_SERVER_URL"):
            return None
        event = _event(environ)
        server = environ["GITHUB_SERVER_URL"].rstrip("/")
        repository = environ["GITHUB_REPOSITORY"]
        token = environ.get("GITHUB_TOKEN")
        return cls(
            server=server,
            repository=repository,
            event=environ.get("GITHUB_EVENT_NAME", ""),
            branch=environ.get("GITHUB_REF_NAME", ""),
            sha=environ.get("GITHUB_SHA", ""),
            page=f"{server}/{repository}/actions/runs/{environ.get('GITHUB_RUN_ID', '')}",
            token=Secret(token) if token else None,
            proposal=_proposal(event.get("pull_request")),
            inputs={str(name): str(value) for name, value in (event.get("inputs") or {}).items()},
        )


def _event(environ: Mapping[str, str]) -> Mapping[str, Any]:
    path = environ.get("GITHUB_EVENT_PATH")
    if not path:
        return {}
    try:
        found = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise UsageError(f"the event that started this job cannot be read: {error}") from error
    return found if isinstance(found, dict) else {}


def _proposal(found: Any) -> Proposal | None:
    if not isinstance(found, dict):
        return None
    return Proposal(int(found["number"]), str(found["base"]["ref"]), str(found["head"]["sha"]))
