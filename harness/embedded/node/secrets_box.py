"""Passwords and signed tickets.

Tickets have PVE's outer form (``PVE:user:HEXTIME::signature``); the signature is ours, a keyed hash, since nobody but
this node checks it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable

TICKET_SECONDS = 7200
_EARLY = 300  # clocks of two machines differ
_COST = {"n": 2**12, "r": 8, "p": 1}


def hash_password(password: str) -> str:
    """A salted hash to be stored in place of the password."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${hashlib.scrypt(password.encode(), salt=salt, **_COST).hex()}"


def password_fits(password: str, stored: str) -> bool:
    """Compare in constant time."""
    salt, _, digest = stored.partition("$")
    got = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), **_COST).hex()
    return hmac.compare_digest(got, digest)


class Sealer:
    """Makes and checks tickets and CSRF tokens with one secret key."""

    def __init__(self, key: bytes, now: Callable[[], float] = time.time) -> None:
        self._key = key
        self._now = now

    def rekey(self, key: bytes) -> None:
        """Sign with another key, which makes everything signed so far invalid."""
        self._key = key

    def ticket(self, user: str) -> str:
        """A ticket for ``user``, good for two hours."""
        body = f"PVE:{user}:{int(self._now()):08X}"
        return f"{body}::{self._sign(body)}"

    def ticket_user(self, ticket: str) -> str | None:
        """Whose valid ticket this is, or None."""
        body, _, signature = ticket.partition("::")
        parts = body.split(":")
        good = hmac.compare_digest(signature.encode(), self._sign(body).encode())
        if len(parts) != 3 or parts[0] != "PVE" or not good:
            return None
        return parts[1] if self._fresh(parts[2]) else None

    def csrf_token(self, user: str) -> str:
        """The token that a write must carry beside the ticket."""
        stamp = f"{int(self._now()):08X}"
        return f"{stamp}:{self._sign(f'CSRF:{stamp}:{user}')[:43]}"

    def csrf_fits(self, user: str, token: str) -> bool:
        """Whether the token is valid for ``user``."""
        stamp, _, signature = token.partition(":")
        expected = self._sign(f"CSRF:{stamp}:{user}")[:43]
        return hmac.compare_digest(signature.encode(), expected.encode()) and self._fresh(stamp)

    def _fresh(self, stamp: str) -> bool:
        try:
            age = self._now() - int(stamp, 16)
        except ValueError:
            return False
        return -_EARLY < age < TICKET_SECONDS

    def _sign(self, text: str) -> str:
        return base64.b64encode(hmac.new(self._key, text.encode(), hashlib.sha512).digest()).decode()


def hash_token(secret: str) -> str:
    """A hash for a token's secret: random enough that it needs neither salt nor cost."""
    return hashlib.sha256(secret.encode()).hexdigest()


def token_fits(secret: str, stored: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(hash_token(secret), stored)
