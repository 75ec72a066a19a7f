"""Who asks, and what they may do with a repository or an organisation."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from dataclasses import dataclass
from enum import IntEnum

from harness.embedded.forge import clock, scopes
from harness.embedded.forge.attempts import Limiter
from harness.embedded.forge.errors import UnauthorisedError
from harness.embedded.forge.passwords import PasswordChecker
from harness.embedded.forge.store import accounts, repositories
from harness.embedded.forge.store.database import Database
from harness.embedded.forge.store.records import Account, Repository, Token

WRONG_CREDENTIALS = "invalid username, password or token"
TOO_MANY = "too many wrong passwords: try again in a few minutes, or use a token"
MOST_GUESSES, GUESSING_SECONDS = 50, 300.0


class Mode(IntEnum):
    """How much somebody may do; each includes those before it."""

    NONE = 0
    READ = 1
    WRITE = 2
    ADMIN = 3
    OWNER = 4


MODES = {"none": Mode.NONE, "read": Mode.READ, "write": Mode.WRITE, "admin": Mode.ADMIN, "owner": Mode.OWNER}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks. ``by_password`` tells a sign-in by password from one by token or session."""

    user: Account | None = None
    token: Token | None = None
    by_password: bool = False


NOBODY = Identity()


def digest(secret: str) -> str:
    """What is stored of a token: it is long and random, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Authenticator:
    """Turns credentials into an identity."""

    def __init__(self, db: Database, checker: PasswordChecker) -> None:
        self._db = db
        self._checker = checker
        self._guesses = Limiter(MOST_GUESSES, GUESSING_SECONDS, time.monotonic)

    def identify(self, authorization: str | None, query_token: str | None = None) -> Identity:
        """Of an ``Authorization`` header or a token from the query; raises ``UnauthorisedError`` on wrong ones."""
        kind, _, rest = (authorization or "").partition(" ")
        if kind.lower() == "basic":
            return self._basic(rest.strip())
        secret = rest.strip() if kind.lower() in {"token", "bearer"} else query_token
        return self.by_token(secret) if secret else NOBODY

    def by_token(self, secret: str) -> Identity:
        """Of a token's secret."""
        token = accounts.token_by_digest(self._db, digest(secret))
        if token is None or (token.expires is not None and token.expires < clock.now()):
            raise UnauthorisedError(WRONG_CREDENTIALS)
        self._note_use(token)
        return self._checked(Identity(accounts.by_id(self._db, token.user_id), token))

    def by_password(self, name: str, password: str) -> Identity:
        """Of a name (or an address) and a password."""
        person = self._person(name)
        if not self._checker.check(person, password):
            raise UnauthorisedError(WRONG_CREDENTIALS)
        return self._checked(Identity(person, by_password=True))

    def _basic(self, text: str) -> Identity:
        try:
            name, _, password = base64.b64decode(text, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return NOBODY
        for secret in (name, password):  # a token stands in either place, whatever is in the other
            if len(secret) == 40 and accounts.token_by_digest(self._db, digest(secret)):
                return self.by_token(secret)
        return self._by_limited_password(name, password)

    def _by_limited_password(self, name: str, password: str) -> Identity:
        """Of a header, which programs guess by: whoever was in before stays in while others guess."""
        key = name.lower()
        if self._guesses.wait(key) > 0 and not self._checker.remembers(self._person(name), password):
            raise UnauthorisedError(TOO_MANY)
        try:
            return self.by_password(name, password)
        except UnauthorisedError:
            self._guesses.failed(key)
            raise

    def _person(self, name: str) -> Account | None:
        found = accounts.by_email(self._db, name) if "@" in name else accounts.by_name(self._db, name)
        return found if found and not found.organisation else None

    def _note_use(self, token: Token) -> None:
        if clock.now() - token.used > 60:
            self._db.update("token", token.id, used=clock.now())

    @staticmethod
    def _checked(identity: Identity) -> Identity:
        if identity.user is None or identity.user.prohibit_login or not identity.user.active:
            raise UnauthorisedError(WRONG_CREDENTIALS)
        return identity


def mode(db: Database, identity: Identity, repository: Repository) -> Mode:
    """What the asker may do with the repository, its token's limits included."""
    token = identity.token
    if token and token.repo_id is not None:
        return _job_mode(token, repository)
    if token and repository.private and scopes.public_only(token.scopes):
        return Mode.NONE
    return user_mode(db, identity.user, repository)


def _job_mode(token: Token, repository: Repository) -> Mode:
    """A job may write its own repository, if its token says so, and read public ones."""
    if token.repo_id == repository.id:
        return Mode.WRITE if scopes.allows(token.scopes, scopes.REPOSITORY, "write") else Mode.READ
    return Mode.NONE if repository.private else Mode.READ


def user_mode(db: Database, user: Account | None, repository: Repository) -> Mode:
    """What a person may do with the repository."""
    public = Mode.NONE if repository.private else Mode.READ
    if user is None:
        return public
    if user.admin or user.id == repository.owner_id:
        return Mode.OWNER
    given = MODES[repositories.permission(db, repository.id, user.id) or "none"]
    return max(public, given, _team_mode(db, user, repository))


def _team_mode(db: Database, user: Account, repository: Repository) -> Mode:
    sql = "SELECT team_id FROM team_repository WHERE repo_id = ?"
    linked = set(db.column(sql, repository.id))
    teams = accounts.teams_of(db, repository.owner_id, user.id)
    held = [MODES[team.permission] for team in teams if team.every_repository or team.id in linked]
    return max(held, default=Mode.NONE)


def may_read_organisation(db: Database, user: Account | None, organisation: Account) -> bool:
    """Whether the organisation can be seen at all."""
    if organisation.visibility == "public" or (user and user.admin):
        return True
    if user is None:
        return False
    return organisation.visibility == "limited" or bool(accounts.teams_of(db, organisation.id, user.id))


def is_member(db: Database, user: Account | None, organisation: Account) -> bool:
    """In any of its teams, or a site administrator."""
    return user is not None and (user.admin or bool(accounts.teams_of(db, organisation.id, user.id)))


def is_owner(db: Database, user: Account | None, organisation: Account) -> bool:
    """In the owners' team, or a site administrator."""
    if user is None or user.admin:
        return user is not None
    return any(team.permission == "owner" for team in accounts.teams_of(db, organisation.id, user.id))


def may_create_in(db: Database, user: Account, organisation: Account) -> bool:
    """Whether the person may make repositories in the organisation."""
    teams = accounts.teams_of(db, organisation.id, user.id)
    return user.admin or any(team.permission == "owner" or team.may_create for team in teams)
