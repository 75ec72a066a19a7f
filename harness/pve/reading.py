"""An account that may only look: a user of its own with a token, both with the role PVEAuditor.

PVE gives a token with privilege separation what both it and its user have (PVE user manual, API tokens), so both get
the role. A token that lacks it gets empty lists with status 200: whoever looks with one asks first what it may see.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from harness.kit.secret import Secret
from harness.pve import privileges
from harness.pve.client import Credentials, Pve, segment
from harness.pve.errors import PveError

USER: Final = "gitops-read@pve"
ROLE: Final = "PVEAuditor"
_PATH: Final = "/"
_EXISTS: Final = "already exists"
_NEEDED: Final = (("/vms", "VM.Audit"), ("/storage", "Datastore.Audit"), ("/nodes", "Sys.Audit"))


@dataclass(frozen=True, slots=True)
class ReadToken:
    """A token's full id (``user@realm!name``) and its secret."""

    id: str
    secret: Secret = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> ReadToken | None:
        """From ``user@realm!name=secret``; None for anything else."""
        name, separator, secret = text.strip().partition("=")
        user, mark, short = name.partition("!")
        return cls(name, Secret(secret)) if separator and mark and "@" in user and short and secret else None

    def render(self) -> str:
        """As ``parse`` reads it; the secret is in it."""
        return f"{self.id}={self.secret.reveal()}"

    @property
    def credentials(self) -> Credentials:
        """For a session of its own."""
        return Credentials(user=self.id.partition("!")[0], token=self.id, secret=self.secret)


def lacking(pve: Pve) -> tuple[str, ...]:
    """What the credentials of ``pve`` would have to be allowed, and are not, to see all that a plan is made from."""
    held = privileges.read(pve)
    return tuple(f"{privilege} on {path}" for path, privilege in _NEEDED if not held.allows(path, privilege))


def make(pve: Pve, comment: str) -> ReadToken:
    """A new token of the reading user, which is made when missing; touches nothing else.

    Raises ``PveError`` where the credentials of ``pve`` may not do that. Nothing that was begun is left then.
    """
    fresh = _make_user(pve)
    name = f"check-{secrets.token_hex(4)}"
    try:
        return _make_token(pve, name, comment)
    except PveError:
        with suppress(PveError):
            pve.delete(_user() if fresh else _token(name))
        raise


def _make_user(pve: Pve) -> bool:
    """Whether it is new."""
    try:
        pve.post("access/users", userid=USER, comment="Plans of pull requests look with its tokens")
    except PveError as error:
        if _EXISTS not in f"{error.reason} {error.errors}":
            raise
        return False
    return True


def _make_token(pve: Pve, name: str, comment: str) -> ReadToken:
    made = pve.post(_token(name), privsep=True, comment=comment)
    found = ReadToken(str(made["full-tokenid"]), Secret(str(made["value"])))
    pve.put("access/acl", path=_PATH, roles=ROLE, users=USER, propagate=True)
    pve.put("access/acl", path=_PATH, roles=ROLE, tokens=found.id, propagate=True)
    return found


def _user() -> str:
    return f"access/users/{segment(USER)}"


def _token(name: str) -> str:
    return f"{_user()}/token/{segment(name)}"
