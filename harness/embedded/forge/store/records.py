"""Rows as values. Times are whole seconds since the epoch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Account:
    """A person or an organisation; both own repositories and share one space of names."""

    id: int
    name: str
    lower_name: str
    organisation: bool
    full_name: str
    email: str
    password: str
    admin: bool
    active: bool
    restricted: bool
    prohibit_login: bool
    must_change_password: bool
    login_name: str
    description: str
    website: str
    location: str
    visibility: str
    team_access: bool
    created: int
    last_login: int

    def __repr__(self) -> str:
        return f"Account({self.id}, {self.name!r})"


@dataclass(frozen=True, slots=True)
class Team:
    """People of an organisation with one permission: none, read, write, admin or owner."""

    id: int
    org_id: int
    name: str
    lower_name: str
    description: str
    permission: str
    every_repository: bool
    may_create: bool
    units: str


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; only its digest is kept. ``repo_id`` binds a job's token to one repository."""

    id: int
    user_id: int
    name: str
    last_eight: str
    scopes: str
    created: int
    used: int
    expires: int | None
    repo_id: int | None


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A person's ssh key."""

    id: int
    user_id: int
    title: str
    key: str
    fingerprint: str
    created: int


@dataclass(frozen=True, slots=True)
class DeployKey:
    """A repository's ssh key."""

    id: int
    repo_id: int
    title: str
    key: str
    fingerprint: str
    read_only: bool
    created: int


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository with the counts it had when it was read. ``size`` is in KiB."""

    id: int
    owner_id: int
    name: str
    lower_name: str
    description: str
    website: str
    private: bool
    template: bool
    archived: bool
    archived_at: int
    empty: bool
    default_branch: str
    fork_of: int | None
    size: int
    watchers: int
    options: str
    topics: str
    created: int
    updated: int
    owner_name: str
    forks: int
    open_pulls: int
    releases: int

    @property
    def full_name(self) -> str:
        """``owner/name``."""
        return f"{self.owner_name}/{self.name}"

    def option(self, name: str) -> Any:
        """One of the switches of ``DEFAULT_OPTIONS``, as set or as it is by default."""
        return {**DEFAULT_OPTIONS, **json.loads(self.options)}[name]


DEFAULT_OPTIONS: dict[str, Any] = {
    "has_issues": True,
    "has_wiki": True,
    "has_pull_requests": True,
    "has_projects": True,
    "projects_mode": "all",
    "has_releases": True,
    "has_packages": True,
    "has_actions": True,
    "ignore_whitespace_conflicts": False,
    "allow_merge_commits": True,
    "allow_rebase": True,
    "allow_rebase_explicit": True,
    "allow_squash_merge": True,
    "allow_fast_forward_only_merge": True,
    "allow_rebase_update": True,
    "allow_manual_merge": False,
    "autodetect_manual_merge": False,
    "default_delete_branch_after_merge": False,
    "default_merge_style": "merge",
    "default_allow_maintainer_edit": False,
}


@dataclass(frozen=True, slots=True)
class Protection:
    """A rule for branches that match ``rule`` (a name or a glob)."""

    id: int
    repo_id: int
    rule: str
    options: str
    created: int
    updated: int

    def option(self, name: str, default: Any = False) -> Any:
        """One setting of the rule."""
        return json.loads(self.options).get(name, default)


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request. ``head_sha`` is what ``refs/pull/<number>/head`` holds."""

    id: int
    repo_id: int
    number: int
    user_id: int
    title: str
    body: str
    head_repo_id: int
    head: str
    base: str
    merge_base: str
    head_sha: str
    closed: bool
    closed_at: int | None
    merged: bool
    merged_at: int | None
    merged_by: int | None
    merge_sha: str | None
    intent: str | None
    maintainer_edit: bool
    created: int
    updated: int

    @property
    def draft(self) -> bool:
        """Marked as unfinished by its title."""
        return self.title.upper().startswith(("WIP:", "[WIP]"))

    @property
    def ref(self) -> str:
        """Where the head is kept even when its branch is gone."""
        return f"refs/pull/{self.number}/head"


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody said on a pull request."""

    id: int
    pull_id: int
    user_id: int
    body: str
    created: int
    updated: int


@dataclass(frozen=True, slots=True)
class Review:
    """A verdict on a pull request at one commit."""

    id: int
    pull_id: int
    user_id: int
    state: str
    body: str
    sha: str
    official: bool
    dismissed: bool
    comment_id: int
    created: int
    updated: int


@dataclass(frozen=True, slots=True)
class Status:
    """What a check says of a commit; the newest for each context counts."""

    id: int
    repo_id: int
    sha: str
    context: str
    state: str
    description: str
    target_url: str
    creator_id: int | None
    created: int


@dataclass(frozen=True, slots=True)
class Release:
    """A tag, or a tag with notes (``only_tag`` false)."""

    id: int
    repo_id: int
    tag: str
    target: str
    title: str
    body: str
    draft: bool
    prerelease: bool
    only_tag: bool
    author_id: int
    created: int


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook of a repository, or of an owner for all its repositories."""

    id: int
    owner_id: int | None
    repo_id: int | None
    kind: str
    url: str
    content_type: str
    secret: str
    events: str
    branch_filter: str
    authorization: str
    active: bool
    created: int
    updated: int

    def __repr__(self) -> str:
        return f"Hook({self.id})"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One payload on its way. ``due`` is when to try next; ``state`` is waiting, delivered or failed."""

    id: int
    hook_id: int
    uuid: str
    event: str
    event_type: str
    payload: str
    attempts: int
    due: float
    state: str
    answer: int | None
    created: int


@dataclass(frozen=True, slots=True)
class Variable:
    """A plain value for workflows."""

    owner_id: int
    repo_id: int
    name: str
    data: str
    description: str


@dataclass(frozen=True, slots=True)
class Run:
    """A workflow that was started by an event. ``status``: waiting, blocked, running, completed."""

    id: int
    repo_id: int
    number: int
    file: str
    title: str
    event: str
    ref: str
    sha: str
    code_sha: str
    actor_id: int
    payload: str
    name: str
    status: str
    conclusion: str | None
    attempt: int
    base_url: str
    created: int
    started: int | None
    ended: int | None
    updated: int


@dataclass(frozen=True, slots=True)
class Job:
    """One job of a run. ``status``: blocked, waiting, running, completed; ``lines`` counts its log."""

    id: int
    run_id: int
    repo_id: int
    key: str
    name: str
    needs: str
    labels: str
    spec: str
    status: str
    conclusion: str | None
    runner_id: int | None
    attempt: int
    token_id: int | None
    cancel: bool
    lines: int
    task_id: int | None
    created: int
    started: int | None
    ended: int | None
    heard: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a job; ``first_line`` is where its output begins in the job's log."""

    job_id: int
    number: int
    name: str
    status: str
    conclusion: str | None
    started: int | None
    ended: int | None
    first_line: int


@dataclass(frozen=True, slots=True)
class Runner:
    """A program that runs jobs; ``owner_id`` and ``repo_id`` 0 means for everything."""

    id: int
    name: str
    labels: str
    owner_id: int
    repo_id: int
    created: int
    heard: int
