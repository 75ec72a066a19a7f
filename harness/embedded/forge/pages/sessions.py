"""Sessions of browsers: a random secret in a cookie, its digest in the database, and a token for every form.

The cookie is ``HttpOnly`` and ``SameSite=Lax``; a form carries a token that only a page of the same session has.
Somebody who has not signed in has a visit instead of a session: the same kind of cookie, kept nowhere.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from harness.embedded.forge import access, clock
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.store import accounts
from harness.embedded.forge.store.records import Account

COOKIE = "gitops_session"
VISIT = "gitops_visit"
SECONDS = 7 * 24 * 3600
_RENEW = 24 * 3600


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who signed in. ``secret`` is the cookie's value."""

    secret: str
    digest: str
    user: Account

    def __repr__(self) -> str:
        return f"Session({self.user.name!r})"


def begin(forge: Forge, user: Account) -> str:
    """A new session; the secret for the cookie."""
    secret, now = secrets.token_urlsafe(32), clock.now()
    with forge.db.write():
        forge.db.run("DELETE FROM session WHERE expires < ?", now)
        forge.db.insert("session", digest=access.digest(secret), user_id=user.id, created=now, expires=now + SECONDS)
        forge.db.update("account", user.id, last_login=now)
    return secret


def find(forge: Forge, secret: str | None) -> Session | None:
    """The session of a cookie, unless it has run out or its account may not sign in any more."""
    if not secret:
        return None
    digest, now = access.digest(secret), clock.now()
    row = forge.db.connection.execute("SELECT user_id, expires FROM session WHERE digest = ?", (digest,)).fetchone()
    if row is None or row["expires"] < now:
        return None
    if row["expires"] - now < SECONDS - _RENEW:
        forge.db.run("UPDATE session SET expires = ? WHERE digest = ?", now + SECONDS, digest)
    user = accounts.by_id(forge.db, row["user_id"])
    usable = user.active and not user.prohibit_login and not user.organisation and user.id > 0
    return Session(secret, digest, user) if usable else None


def end(forge: Forge, session: Session) -> None:
    """Sign out."""
    forge.db.run("DELETE FROM session WHERE digest = ?", session.digest)


def form_token(secret: str) -> str:
    """The token that forms of this session or visit carry; it does not tell the secret."""
    return hmac.digest(secret.encode(), b"form", hashlib.sha256).hex()


def is_form_token(secret: str, token: str) -> bool:
    """Whether ``token`` belongs to the session or visit."""
    return bool(secret) and hmac.compare_digest(form_token(secret).encode(), token.encode())


def new_visit() -> str:
    """A value for the cookie of somebody who has not signed in."""
    return secrets.token_urlsafe(24)
