"""Passwords: hashed by argon2id, checked seldom, remembered shortly as checked.

Every API call with basic authentication would otherwise cost a hash. What is remembered is a keyed digest whose key
lives in this process only.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time

import argon2

from harness.embedded.forge.store.records import Account

# OWASP's second recommendation for argon2id: 19 MiB keeps several checks at once within the memory budget.
_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
_REMEMBERED_SECONDS = 300.0
_MOST_REMEMBERED = 1000


def hash_password(password: str) -> str:
    """An argon2id hash with its parameters and salt."""
    return _HASHER.hash(password)


class PasswordChecker:
    """Checks passwords; at most two hashes are computed at once."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._seen: dict[bytes, float] = {}
        self._slots = threading.BoundedSemaphore(2)
        self._nobody = hash_password(secrets.token_hex(8))

    def check(self, account: Account | None, password: str) -> bool:
        """Whether it is the account's password; takes as long when there is no such account."""
        stored, mark = self._stored(account), self._mark(account, password)
        if self._is_remembered(mark):
            return account is not None
        with self._slots:
            good = _verify(stored, password)
        if good and account:
            self._remember(mark)
        return good and account is not None

    def remembers(self, account: Account | None, password: str) -> bool:
        """Whether it was right a short while ago; costs nothing."""
        return account is not None and self._is_remembered(self._mark(account, password))

    def _stored(self, account: Account | None) -> str:
        return account.password if account and account.password else self._nobody

    def _mark(self, account: Account | None, password: str) -> bytes:
        return hmac.digest(self._key, f"{self._stored(account)}\0{password}".encode(), hashlib.sha256)

    def _is_remembered(self, mark: bytes) -> bool:
        return self._seen.get(mark, 0.0) > time.monotonic()

    def _remember(self, mark: bytes) -> None:
        if len(self._seen) >= _MOST_REMEMBERED:
            self._seen.clear()
        self._seen[mark] = time.monotonic() + _REMEMBERED_SECONDS


def _verify(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
