"""What a forge answers, as values. Only what the harness reads is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.kit.secret import Secret


@dataclass(frozen=True, slots=True)
class User:
    """An account."""

    login: str
    email: str
    admin: bool

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> User:
        """From the API's object."""
        return cls(data["login"], data.get("email") or "", bool(data.get("is_admin")))


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository; ``slug`` is ``owner/name``."""

    slug: str
    description: str
    default_branch: str
    private: bool
    archived: bool
    empty: bool
    page: str
    parent: str | None
    """The slug that it was forked from."""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Repository:
        """From the API's object."""
        parent = data.get("parent") or {}
        return cls(
            data["full_name"],
            data.get("description") or "",
            data.get("default_branch") or "",
            bool(data.get("private")),
            bool(data.get("archived")),
            bool(data.get("empty")),
            data.get("html_url") or "",
            parent.get("full_name"),
        )

    @property
    def name(self) -> str:
        """The name without its owner."""
        return self.slug.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request. ``mergeable`` is found out by the forge a moment after every push."""

    number: int
    title: str
    body: str
    open: bool
    merged: bool
    mergeable: bool
    base: str
    head: str
    head_slug: str
    base_sha: str
    head_sha: str
    merge_base: str
    merge_sha: str | None
    author: str
    page: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Pull:
        """From the API's object."""
        base, head = data["base"], data["head"]
        return cls(
            int(data["number"]),
            data["title"],
            data.get("body") or "",
            data["state"] == "open",
            bool(data.get("merged")),
            bool(data.get("mergeable")),
            base["ref"],
            head["ref"],
            (head.get("repo") or {}).get("full_name") or "",
            base.get("sha") or "",
            head.get("sha") or "",
            data.get("merge_base") or "",
            data.get("merge_commit_sha") or None,
            (data.get("user") or {}).get("login") or "",
            data.get("html_url") or "",
        )


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that a pull request touches. ``status``: added, changed, deleted, renamed."""

    path: str
    status: str
    previous: str | None
    additions: int
    deletions: int

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> ChangedFile:
        """From the API's object."""
        previous = data.get("previous_filename") or None
        return cls(data["filename"], data["status"], previous, int(data["additions"]), int(data["deletions"]))


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a pull request."""

    id: int
    author: str
    body: str
    page: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Comment:
        """From the API's object."""
        author = (data.get("user") or {}).get("login") or ""
        return cls(int(data["id"]), author, data.get("body") or "", data.get("html_url") or "")


@dataclass(frozen=True, slots=True)
class Status:
    """What one context says of a commit: pending, success, failure, error, warning."""

    context: str
    state: str
    description: str
    target: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Status:
        """From the API's object."""
        return cls(data["context"], data["status"], data.get("description") or "", data.get("target_url") or "")


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook."""

    id: int
    url: str
    events: frozenset[str]
    active: bool

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Hook:
        """From the API's object."""
        url = (data.get("config") or {}).get("url") or ""
        return cls(int(data["id"]), url, frozenset(data.get("events") or ()), bool(data.get("active")))


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; ``secret`` only in the answer to its creation."""

    name: str
    scopes: frozenset[str]
    secret: Secret | None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Token:
        """From the API's object."""
        value = data.get("sha1")
        return cls(data["name"], frozenset(data.get("scopes") or ()), Secret(value) if value else None)


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a workflow. ``status``: queued, in_progress, completed; ``conclusion`` once it is completed."""

    id: int
    number: int
    title: str
    workflow: str
    event: str
    branch: str
    sha: str
    status: str
    conclusion: str | None
    page: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Run:
        """From the API's object; its path is ``deploy.yml@refs/heads/main``."""
        return cls(
            int(data["id"]),
            int(data.get("run_number") or 0),
            data.get("display_title") or "",
            (data.get("path") or "").partition("@")[0].rpartition("/")[2],
            data.get("event") or "",
            data.get("head_branch") or "",
            data.get("head_sha") or "",
            data.get("status") or "",
            data.get("conclusion") or None,
            data.get("html_url") or "",
        )

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.status == "completed"


@dataclass(frozen=True, slots=True)
class Job:
    """A job of a run."""

    id: int
    name: str
    status: str
    conclusion: str | None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Job:
        """From the API's object."""
        return cls(int(data["id"]), data.get("name") or "", data.get("status") or "", data.get("conclusion") or None)
