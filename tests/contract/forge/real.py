"""A real Gitea, lent to one test: an administrator of the test's own, and everything it made gone afterwards."""

from __future__ import annotations

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.contract.forge.client import Client
from tests.contract.forge.target import Target


@dataclass(frozen=True, slots=True)
class _Owner:
    """The one whose token was given."""

    base: str
    token: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What the forge answers; None where something is not there."""
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/api/v1/{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refused:
            refused.close()
            if refused.code == 404:
                return None
            raise
        return json.loads(text) if text else None

    def names(self, path: str, key: str) -> set[str]:
        """One member of every entry of a list, all pages of it."""
        found: set[str] = set()
        page = 1
        while entries := self.ask("GET", f"{path}?limit=50&page={page}"):
            found |= {str(entry[key]) for entry in entries}
            page += 1
        return found


@contextmanager
def borrowed(base: str, token: str) -> Iterator[Target]:
    """The forge at ``base`` as a target.

    A token is no password: forges make tokens for nobody who comes with one. So there is an administrator with both.
    """
    owner = _Owner(base, token)
    organisations, people = owner.names("admin/orgs", "username"), owner.names("admin/users", "login")
    name, password = f"contract-{secrets.token_hex(3)}", secrets.token_urlsafe(18)
    account = {"username": name, "email": f"{name}@example.com", "password": password, "must_change_password": False}
    owner.ask("POST", "admin/users", account)
    owner.ask("PATCH", f"admin/users/{name}", {"login_name": name, "source_id": 0, "admin": True})
    try:
        yield Target(base, name, password)
    finally:
        _sweep(owner, organisations, people)


def _sweep(owner: _Owner, organisations: set[str], people: set[str]) -> None:
    """Delete what is new; an organisation only goes without repositories."""
    for name in owner.names("admin/orgs", "username") - organisations:
        for repository in owner.names(f"orgs/{name}/repos", "name"):
            owner.ask("DELETE", f"repos/{name}/{repository}")
        owner.ask("DELETE", f"orgs/{name}")
    for name in owner.names("admin/users", "login") - people:
        for repository in owner.names(f"users/{name}/repos", "name"):
            owner.ask("DELETE", f"repos/{name}/{repository}")
        owner.ask("DELETE", f"admin/users/{name}?purge=true")


def has_runner(administrator: Client, label: str) -> bool:
    """Whether a runner for jobs with ``label`` is online."""
    _, found = administrator.ask("GET", "/api/v1/admin/actions/runners")
    labels = [{held["name"] for held in one["labels"]} for one in found["runners"] if one["status"] != "offline"]
    return any(label in held for held in labels)
