"""Webhooks: which there are, which events they want, and queueing what they get."""

from __future__ import annotations

import fnmatch
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from harness.embedded.forge import clock
from harness.embedded.forge.errors import InvalidError, not_found
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.store.records import Hook, Repository

KINDS = frozenset(
    (
        "gitea", "gogs", "slack", "discord", "dingtalk", "telegram", "msteams", "feishu", "matrix", "wechatwork",
        "packagist",
    )
)  # fmt: skip
_ISSUES = ("issues", "issue_assign", "issue_label", "issue_milestone", "issue_comment")
_PULLS = (
    "pull_request", "pull_request_assign", "pull_request_label", "pull_request_milestone", "pull_request_comment",
    "pull_request_review", "pull_request_sync", "pull_request_review_request",
)  # fmt: skip
_PLAIN = (
    "create", "delete", "fork", "push", "wiki", "repository", "release", "package", "status", "workflow_run",
    "workflow_job",
)  # fmt: skip
_ALIASES = {"issues_only": "issues", "pull_request_only": "pull_request"}
# The event's name in the headers, by its full type.
_SHOWN = {
    "pull_request_sync": "pull_request",
    "pull_request_assign": "pull_request",
    "pull_request_label": "pull_request",
    "pull_request_milestone": "pull_request",
    "pull_request_review_request": "pull_request",
    "pull_request_comment": "issue_comment",
    "pull_request_review_approved": "pull_request_approved",
    "pull_request_review_rejected": "pull_request_rejected",
    "pull_request_review_comment": "pull_request_comment",
}
# Which wish covers a full type.
_COVERED = dict.fromkeys(
    ("pull_request_review_approved", "pull_request_review_rejected", "pull_request_review_comment"),
    "pull_request_review",
)


def expand(wanted: Sequence[str]) -> list[str]:
    """The events that a wish stands for, by name."""
    given = {name.lower() for name in wanted} or {"push"}
    found = {name for name in (*_PLAIN, *_ISSUES, *_PULLS) if name in given}
    found |= {_ALIASES[name] for name in given if name in _ALIASES}
    found |= set(_ISSUES) if "issues" in given else set()
    found |= set(_PULLS) if "pull_request" in given else set()
    return sorted(found)


def of(forge: Forge, *, repo_id: int | None = None, owner_id: int | None = None) -> list[Hook]:
    """The webhooks of a repository or of an owner."""
    if repo_id is not None:
        return forge.db.all(Hook, "SELECT * FROM hook WHERE repo_id = ? ORDER BY id", repo_id)
    return forge.db.all(Hook, "SELECT * FROM hook WHERE owner_id = ? ORDER BY id", owner_id)


def find(forge: Forge, key: int, *, repo_id: int | None = None, owner_id: int | None = None) -> Hook:
    """One of them; raises ``MissingError``."""
    for hook in of(forge, repo_id=repo_id, owner_id=owner_id):
        if hook.id == key:
            return hook
    raise not_found()


def create(
    forge: Forge, details: Mapping[str, Any], *, repo_id: int | None = None, owner_id: int | None = None
) -> Hook:
    """A new webhook; raises ``InvalidError`` in Gitea's words."""
    config = details["config"]
    if details["type"] not in KINDS:
        raise InvalidError(f"Invalid hook type: {details['type']}")
    for name in ("url", "content_type"):
        if name not in config:
            raise InvalidError(f"Missing config option: {name}")
    if config["content_type"] not in {"json", "form"}:
        raise InvalidError("Invalid content type")
    if not str(config["url"]).startswith(("http://", "https://")):
        raise InvalidError("Invalid url")
    now = clock.now()
    key = forge.db.insert(
        "hook", repo_id=repo_id, owner_id=owner_id, kind=details["type"], url=config["url"],
        content_type=config["content_type"], secret=config.get("secret", ""),
        events=json.dumps(expand(details.get("events", []))), branch_filter=details.get("branch_filter", ""),
        authorization=details.get("authorization_header", ""), active=details.get("active", False),
        created=now, updated=now,
    )  # fmt: skip
    return find(forge, key, repo_id=repo_id, owner_id=owner_id)


def edit(forge: Forge, hook: Hook, details: Mapping[str, Any]) -> Hook:
    """Change a webhook; events that are not named fall back to ``push``, a filter to none, as in Gitea."""
    config = details.get("config") or {}
    values: dict[str, Any] = {key: config[key] for key in ("url", "content_type", "secret") if key in config}
    if values.get("content_type", "json") not in {"json", "form"}:
        raise InvalidError("Invalid content type")
    values["events"] = json.dumps(expand(details.get("events", [])))
    values["branch_filter"] = details.get("branch_filter", "")
    values["authorization"] = details.get("authorization_header", "")
    values |= {"active": details["active"]} if "active" in details else {}
    forge.db.update("hook", hook.id, **values, updated=clock.now())
    return find(forge, hook.id, repo_id=hook.repo_id, owner_id=hook.owner_id)


def delete(forge: Forge, hook: Hook) -> None:
    """Remove a webhook with what it has not delivered."""
    forge.db.run("DELETE FROM hook WHERE id = ?", hook.id)


def _interested(forge: Forge, repository: Repository, kind: str) -> list[Hook]:
    sql = "SELECT * FROM hook WHERE active = 1 AND (repo_id = ? OR owner_id = ?) ORDER BY id"
    found = forge.db.all(Hook, sql, repository.id, repository.owner_id)
    wish = _COVERED.get(kind, kind)
    return [hook for hook in found if wish in json.loads(hook.events)]


def wanted(forge: Forge, repository: Repository, kind: str) -> bool:
    """Whether anybody listens, so that a payload is worth making."""
    return bool(_interested(forge, repository, kind))


def deliver(forge: Forge, repository: Repository, kind: str, payload: Mapping[str, Any], *, branch: str = "") -> None:
    """Queue a payload for everybody who listens. ``kind`` is the full type, ``branch`` what filters look at."""
    for hook in _interested(forge, repository, kind):
        if not branch or _passes(hook.branch_filter, branch):
            queue(forge, hook, kind, payload)


def _passes(pattern: str, branch: str) -> bool:
    if pattern in {"", "*"}:
        return True
    choices = pattern[1:-1].split(",") if pattern.startswith("{") and pattern.endswith("}") else [pattern]
    return any(fnmatch.fnmatchcase(branch, choice.strip()) for choice in choices)


def queue(forge: Forge, hook: Hook, kind: str, payload: Mapping[str, Any]) -> None:
    """Queue one delivery."""
    text = json.dumps(payload, indent=2, ensure_ascii=False)
    event = _SHOWN.get(kind, kind)
    forge.db.insert(
        "delivery", hook_id=hook.id, uuid=str(uuid.uuid4()), event=event, event_type=kind, payload=text,
        due=time.time(), created=clock.now(),
    )  # fmt: skip
    forge.deliveries.ring()
