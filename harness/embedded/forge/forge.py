"""What every part of the forge shares: settings, database, repositories, sign-in, and a bell for waiting workers."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable

from harness.embedded.forge import access
from harness.embedded.forge.access import Authenticator, Identity
from harness.embedded.forge.git.repository import GitRepository
from harness.embedded.forge.passwords import PasswordChecker
from harness.embedded.forge.settings import ForgeSettings
from harness.embedded.forge.shapes.view import View
from harness.embedded.forge.store.database import Database
from harness.embedded.forge.vault import Vault
from harness.kit.files import private_directory


class Bell:
    """Lets threads wait for news: ``ring`` wakes everybody who waits."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count = 0
        self._closed = False

    def ring(self) -> None:
        """There is news."""
        with self._condition:
            self._count += 1
            self._condition.notify_all()

    def close(self) -> None:
        """Nobody waits any more, now or later: the forge is ending."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    @property
    def count(self) -> int:
        """How often it has rung; give it to ``wait``."""
        return self._count

    def wait(self, seen: int, seconds: float) -> bool:
        """Wait until it has rung since ``seen``, at most ``seconds``; whether it has."""
        with self._condition:
            return self._condition.wait_for(lambda: self._closed or self._count != seen, seconds) and not self._closed


class Forge:
    """The shared parts. Services are functions that take it first."""

    def __init__(self, settings: ForgeSettings) -> None:
        self.settings = settings
        for directory in (settings.state, settings.repositories, settings.logs, settings.pushes):
            private_directory(directory)
        self.db = Database(settings.state / "forge.db")
        self.vault = Vault(settings.state / "secrets.key")
        self.checker = PasswordChecker()
        self.authenticator = Authenticator(self.db, self.checker)
        self.deliveries = Bell()
        self.jobs = Bell()
        self.checks = Bell()
        self.facts: dict[tuple[int, str, str], tuple[bool, tuple[int, int, int]]] = {}
        self._locks: defaultdict[int, threading.RLock] = defaultdict(threading.RLock)
        self._locks_guard = threading.Lock()

    @property
    def base(self) -> str:
        """The address to use where there is no request."""
        return self.settings.base

    def git(self, repo_id: int) -> GitRepository:
        """The bare repository with that number."""
        return GitRepository(self.settings.repositories / f"{repo_id}.git")

    def lock(self, repo_id: int) -> threading.RLock:
        """Held while the forge itself moves a ref of the repository: merges happen one after the other."""
        with self._locks_guard:
            return self._locks[repo_id]

    def view(self, identity: Identity = access.NOBODY, base: str = "") -> View:
        """For shapes."""
        git: Callable[[int], GitRepository] = self.git
        return View(self.db, base or self.base, identity, git)
