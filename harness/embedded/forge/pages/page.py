"""One request for a page: who, where, with which form; and what the page may know of the repository in its address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

from harness.embedded.forge.access import NOBODY, Identity, Mode
from harness.embedded.forge.errors import ForgeError, not_found
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.git.repository import GitRepository
from harness.embedded.forge.pages import sessions
from harness.embedded.forge.pages.desk import Desk
from harness.embedded.forge.pages.sessions import Session
from harness.embedded.forge.shapes.view import View
from harness.embedded.forge.store.records import Account, Repository


class SignInError(Exception):
    """The page is for people who signed in."""


@dataclass
class Page:
    """A request as a view sees it; ``desk`` is what all pages share."""

    forge: Forge
    desk: Desk
    method: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, list[str]]
    form: Mapping[str, list[str]]
    headers: Mapping[str, str]
    base: str
    client: str
    session: Session | None = None
    visit: str = ""
    identity: Identity = NOBODY
    found: Repository | None = None
    raw_body: bytes = b""
    wants_visit: bool = False
    tips: dict[str, str | None] = field(default_factory=dict)

    @property
    def viewer(self) -> Account | None:
        """Who looks, if somebody signed in."""
        return self.identity.user

    @property
    def user(self) -> Account:
        """Who looks; raises ``SignInError`` when nobody signed in."""
        if self.identity.user is None:
            raise SignInError
        return self.identity.user

    @property
    def repository(self) -> Repository:
        """The repository in the address; raises ``MissingError`` when there is none."""
        if self.found is None:
            raise not_found()
        return self.found

    @property
    def git(self) -> GitRepository:
        """Its git directory."""
        return self.forge.git(self.repository.id)

    def tip(self, branch: str) -> str | None:
        """The commit that a branch of the repository holds; asked of git once for a page."""
        if branch not in self.tips:
            self.tips[branch] = self.git.branch(branch)
        return self.tips[branch]

    @cached_property
    def view(self) -> View:
        """For shapes."""
        return self.forge.view(self.identity, self.base)

    @cached_property
    def mode(self) -> Mode:
        """What the viewer may do with the repository."""
        return self.view.mode(self.repository)

    def may(self, mode: Mode) -> bool:
        """Whether the viewer may write or administer the repository, for which one signs in by a session."""
        return self.session is not None and self.mode >= mode and not self.repository.archived

    @property
    def secret(self) -> str:
        """What the form's token is made from."""
        return self.session.secret if self.session else self.visit

    @property
    def form_token(self) -> str:
        """The token for the page's forms; a visitor gets a cookie with it."""
        if not self.secret:
            self.visit = sessions.new_visit()
        self.wants_visit = self.session is None
        return sessions.form_token(self.secret)

    def arg(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.query.get(name, [default])[0]

    def value(self, name: str) -> str:
        """A field of the form as it was sent, line ends as one character."""
        return self.form.get(name, [""])[0].replace("\r\n", "\n")

    def required(self, name: str, label: str) -> str:
        """A field of the form that must not be empty; raises ``ForgeError`` with words for the person."""
        found = self.value(name).strip()
        if not found:
            raise ForgeError(f"{label} is missing.", status=422)
        return found

    def number(self, name: str) -> int:
        """A number in the address; what is none finds nothing."""
        value = self.params[name]
        return int(value) if _is_number(value) and len(value) < 19 else 0

    @property
    def live(self) -> bool:
        """Asked by the script that keeps a page up to date; notes are left for a person to see."""
        return self.headers.get("x-live") == "1"

    @property
    def at(self) -> int:
        """The page asked for, from 1."""
        value = self.arg("page")
        return max(int(value), 1) if _is_number(value) and len(value) < 7 else 1

    @property
    def back(self) -> str:
        """The page of this forge that the form was on; the start page when it is not told."""
        referer = urlsplit(self.headers.get("referer", ""))
        ours = referer.netloc and referer.netloc == self.headers.get("host")
        query = f"?{referer.query}" if referer.query else ""
        return f"/{referer.path.lstrip('/')}{query}" if ours else "/"

    def say(self, text: str, kind: str = "good") -> None:
        """Show ``text`` on the next page of this session."""
        if self.session:
            self.desk.notes.put(self.session.digest, kind, text)


def _is_number(text: str) -> bool:
    """Digits as ``int`` and addresses mean them; there are others in Unicode."""
    return text.isascii() and text.isdecimal()
