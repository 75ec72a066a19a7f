"""For whom and from where something is shown: the viewer, and the address that its links begin with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.embedded.forge import access
from harness.embedded.forge.access import Identity, Mode
from harness.embedded.forge.git.repository import GitRepository
from harness.embedded.forge.store.database import Database
from harness.embedded.forge.store.records import Account, Repository


@dataclass(frozen=True, slots=True)
class View:
    """Everything a shape needs to know of the request; ``base`` has no slash at its end."""

    db: Database
    base: str
    identity: Identity
    git: Callable[[int], GitRepository]

    @property
    def viewer(self) -> Account | None:
        """Who looks."""
        return self.identity.user

    def mode(self, repository: Repository) -> Mode:
        """What the viewer may do with it."""
        return access.mode(self.db, self.identity, repository)

    def page(self, repository: Repository, *rest: str) -> str:
        """A page of the repository."""
        return "/".join((f"{self.base}/{repository.full_name}", *rest))

    def api(self, repository: Repository, *rest: str) -> str:
        """An address below the repository in the API."""
        return "/".join((f"{self.base}/api/v1/repos/{repository.full_name}", *rest))
