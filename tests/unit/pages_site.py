"""A forge with pages for the tests, and a visitor who reads them and sends their forms as a browser does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from harness.embedded.forge import server
from harness.embedded.forge.server import Served
from harness.embedded.forge.services import users
from tests.browser.world import Client

_TOKEN = re.compile(r'name="_csrf" value="([0-9a-f]+)"')
PASSWORD = "correct horse battery"


@dataclass
class Visitor:
    """Cookies and the page read last; redirects are not followed."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)
    last: requests.Response | None = None

    def get(self, path: str, **headers: str) -> requests.Response:
        """Read a page."""
        asked = {"accept": "text/html", **{name.replace("_", "-"): value for name, value in headers.items()}}
        self.last = self.session.get(self.url + path, headers=asked, allow_redirects=False, timeout=30)
        return self.last

    def token(self) -> str:
        """The form's token on the page read last."""
        assert self.last is not None
        found = _TOKEN.search(self.last.text)
        return found.group(1) if found else ""

    def post(self, path: str, *, token: str | None = None, on: str = "", **form: str) -> requests.Response:
        """Send a form of the page ``on`` (default: the one read last)."""
        if on:
            self.get(on)
        values = {"_csrf": self.token() if token is None else token, **form}
        assert self.last is not None
        headers = {"accept": "text/html", "referer": self.last.url}
        return self.session.post(self.url + path, values, headers=headers, allow_redirects=False, timeout=30)

    def sign_in(self, name: str, password: str) -> requests.Response:
        """By the form."""
        return self.post("/user/login", on="/user/login", user_name=name, password=password)


@dataclass
class Site:
    """A forge that answers, its API as the administrator, and people who look at it."""

    served: Served
    api: Client

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.served.url

    def visitor(self) -> Visitor:
        """Somebody who has not signed in."""
        return Visitor(self.url)

    def admin(self) -> Visitor:
        """The administrator, signed in."""
        found = self.visitor()
        assert found.sign_in(self.served.admin, self.served.password.reveal()).status_code == 303
        return found

    def person(self, name: str) -> Visitor:
        """An ordinary person, signed in; made when there is none of that name."""
        if not self.served.forge.db.value("SELECT 1 FROM account WHERE lower_name = ?", name.lower()):
            users.create(self.served.forge, name, f"{name}@example.com", PASSWORD)
        found = self.visitor()
        assert found.sign_in(name, PASSWORD).status_code == 303
        return found

    def repository(self, full_name: str, files: dict[str, str] | None = None, **details: Any) -> str:
        """A repository, its organisation made when missing; its full name."""
        owner, _, name = full_name.partition("/")
        if not self.served.forge.db.value("SELECT 1 FROM account WHERE lower_name = ?", owner.lower()):
            self.api.call("POST", "/orgs", {"username": owner})
        self.api.call("POST", f"/orgs/{owner}/repos", {"name": name, "default_branch": "main", **details})
        if files:
            self.api.commit(full_name, files, "First")
        return full_name

    def infrastructure(self) -> None:
        """Repositories of a control plane and two containers; ``gitops`` may write to the first, ``limited`` to one."""
        for name in ("config", "broker", "proxy"):
            self.repository(f"main/{name}", {"a": "b\n"})
        for name, writes in (("gitops", "config"), ("limited", "broker")):
            self.person(name)
            self.api.call("PUT", f"/repos/main/{writes}/collaborators/{name}", {"permission": "write"})

    def token(self, name: str, *scopes: str) -> str:
        """A new token of a person, in the place of an earlier one for the same scopes."""
        path, title = f"{self.url}/api/v1/users/{name}/tokens", "-".join(scopes) or "none"
        requests.delete(f"{path}/{title}", auth=(name, PASSWORD), timeout=30)
        body = {"name": title, "scopes": list(scopes)}
        return str(requests.post(path, json=body, auth=(name, PASSWORD), timeout=30).json()["sha1"])

    def pull(self, repository: str, files: dict[str, str], head: str = "topic", **details: Any) -> dict[str, Any]:
        """A pull request onto ``main``."""
        self.api.commit(repository, files, "Change it", new=head)
        body = {"title": "A change", "head": head, "base": "main", "body": "What it does", **details}
        found: dict[str, Any] = self.api.call("POST", f"/repos/{repository}/pulls", body)
        return found


@contextmanager
def site(directory: Path) -> Iterator[Site]:
    """One that is gone afterwards."""
    with server.serve(directory / "forge") as served:
        yield Site(served, Client(served))
