"""Makes answers comparable: what differs from play to play is replaced by the form it has."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

_NUMBER_KEY = re.compile(
    r"id|.*_id|size|repo_size|attempt_id|run_attempt|duration|run_id|task_id|number_of_runners|run_number"
)
_TIME = re.compile(r"(?!0001-01-01|1970-01-01)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_FORMS: tuple[tuple[str, str], ...] = (
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<uuid>"),
    (r"\b[0-9a-f]{64}\b", "<hex64>"),
    (r"\b[0-9a-f]{40}\b", "<sha>"),
    (r"\b[0-9a-f]{32}\b", "<hex32>"),
    (r"(?<=index )[0-9a-f]{7,12}\.\.[0-9a-f]{7,12}", "<blobs>"),
    (r"(/avatars/)[^\"?\s]+", r"\1<avatar>"),
    (r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d? \w{3} \d{4} \d\d:\d\d:\d\d [+-]?\w+", "<date>"),
    (r"(#issuecomment-|/comments/|/statuses/id/|/hooks/|/releases/|/runs/|/jobs/|/keys/)\d+", r"\1<int>"),
    (r"\b(\w*id): \d+", r"\1: <int>"),
    (r"\b(id|uid|repo_id|RepoID|ID)([ :=]+)\d+", r"\1\2<int>"),
)
_TEXT = [(re.compile(pattern), form) for pattern, form in _FORMS]
# A hidden address begins with the account's number, which depends on how many were made before.
_TOOK = re.compile(r"^(Successful in|Failing after) \d+s$")  # a busy machine takes longer
_HIDDEN_ADDRESS = re.compile(r"\b\d+(\+[^@\s]+@noreply\.)")


class Masker:
    """Replaces captured values by their names, and volatile ones by their form."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        named = [(name, str(value)) for name, value in variables.items() if isinstance(value, str)]
        long = [(name, value) for name, value in named if len(value) >= 6 and name not in {"password", "admin"}]
        self._known = sorted(long, key=lambda pair: (-len(pair[1]), pair[0]))
        # The recording's administrator is called root; a real forge lends one of another name.
        self._admin = str(variables["admin"])
        self._base = str(variables["base"])

    def text(self, value: str) -> str:
        """A text with everything volatile replaced."""
        value = value.replace(self._admin, "root")
        for name, known in self._known:
            value = value.replace(known, "{{" + name + "}}")
        for name, known in self._known:
            if re.fullmatch(r"[0-9a-f]{40}", known):
                short = "{{" + name + ":10}}"
                value = re.sub(rf"(?<![0-9a-f]){known[:10]}(?![0-9a-f])", short, value)
        value = value.replace(quote(self._base, safe=""), "{{base:quoted}}")
        for pattern, form in _TEXT:
            value = pattern.sub(form, value)
        return value

    def value(self, value: Any, key: str = "") -> Any:
        """A JSON value with everything volatile replaced."""
        if isinstance(value, dict):
            return {self.text(name): self.value(held, name) for name, held in value.items()}
        if isinstance(value, list):
            return [self.value(held, key) for held in value]
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return "<int>" if value and _NUMBER_KEY.fullmatch(key) else value
        if key == "login_name" and value == self._admin:
            return ""  # the one who was made an administrator afterwards has it
        return self._string(str(value), key)

    def _string(self, value: str, key: str) -> Any:
        if _TIME.fullmatch(value):
            return "<time>"
        if key == "token_last_eight":
            return "<hex8>"
        if key == "token" and len(value) == 40:
            return "<token>"
        if key == "content" and value:
            try:
                return {"base64 of": self.text(base64.b64decode(value, validate=True).decode())}
            except (binascii.Error, UnicodeDecodeError):
                return self.text(value)
        return self.text(value)


def opened(value: Any, ignored: Iterable[str], *, unordered: bool, key: str = "") -> Any:
    """``value`` with what a step leaves open made equal: ignored keys, and the order of lists that have none."""
    if isinstance(value, dict):
        hidden = {"language", *ignored}
        return {
            name: "<any>" if name in hidden else opened(held, ignored, unordered=unordered, key=name)
            for name, held in value.items()
        }
    if isinstance(value, list):
        items = [opened(held, ignored, unordered=unordered) for held in value]
        return sorted(items, key=repr) if unordered or key == "events" else items
    if not isinstance(value, str):
        return value
    return _TOOK.sub(r"\1 <time>", _HIDDEN_ADDRESS.sub(r"<int>\1", value))


_ESSENTIAL = (
    "id", "number", "name", "full_name", "login", "username", "email", "clone_url", "html_url", "url", "state",
    "status", "merged", "mergeable", "sha", "title", "body", "head", "base", "ref", "label", "user", "context",
    "message", "type", "config", "active", "events", "content", "encoding", "path", "size", "default_branch",
    "private", "archived", "fork", "empty", "commit", "parents", "files", "filename", "additions", "deletions",
    "changes", "target_url", "data", "value", "version", "key", "conclusion", "event", "head_branch", "head_sha",
    "workflow_runs", "jobs", "total_count", "workflows", "tag_name", "draft", "protected", "object", "ok",
    "merge_commit_sha", "merge_base", "owner", "organization", "is_admin", "description", "permissions", "admin",
    "push", "pull", "before", "after", "action", "commits", "pull_request", "repository",
)  # fmt: skip


def essential(value: Any) -> Any:
    """The part of an answer that clients act on."""
    if isinstance(value, dict):
        if set(value) <= {"message", "url", "errors"}:
            return sorted(value)  # of a refusal: that it has words, not which
        return {name: essential(held) for name, held in value.items() if name in _ESSENTIAL}
    return [essential(held) for held in value] if isinstance(value, list) else value
