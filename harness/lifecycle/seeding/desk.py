"""What every step of one seeding works with."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.forge.client import Forge
from harness.kit.clock import Deadline
from harness.kit.files import write_atomic
from harness.repo.committing import Author, Content, beginning, commit
from harness.repo.objects import Files
from harness.repo.remote import Remote
from harness.repo.scratch import Scratch

_CATCH_UP: Final = 20.0
"""Seconds that a forge's API may stay behind a push."""


def remote_of(forge: Forge) -> Remote:
    """The same forge and login for git."""
    return Remote(forge.address.base, forge.login.basic if forge.login else None, forge.address.ca)


@dataclass(frozen=True, slots=True)
class Desk:
    """Forge, scratch repository, and who signs commits."""

    forge: Forge
    scratch: Scratch
    author: Author
    beginning: str
    remote: Remote
    all_requests: bool = False
    """Whether containers' repositories get a release pull request too, not only ``config``."""
    private: bool = False

    @classmethod
    def open(
        cls, forge: Forge, scratch: Path, author: Author, *, all_requests: bool = False, private: bool = False
    ) -> Desk:
        """Open (or make) the scratch repository."""
        opened = Scratch.open(scratch)
        return cls(forge, opened, author, beginning(opened), remote_of(forge), all_requests, private)

    @property
    def checkout(self) -> str:
        """A name for the working tree that seeds from here, made once: two workstations propose side by side."""
        file = self.scratch.path / "checkout"
        if not file.exists():
            write_atomic(file, secrets.token_hex(4))
        return file.read_text().strip()

    def commit(self, name: str, files: Files, content: Content, parents: tuple[str, ...], message: str) -> str:
        """A commit of ``files``; the parent itself when it holds exactly them."""
        when = int(self.forge.clock.now().timestamp())
        return commit(
            self.scratch,
            files,
            content,
            parents=parents or (self.beginning,),
            message=message,
            author=self.author,
            when=when,
            ref=f"refs/made/{name}",
        )

    def fetch(self, slug: str) -> dict[str, str]:
        """Get all branches of a repository, and say what they hold: git knows it before the forge's API does."""
        below = f"refs/forge/{slug}/"
        self.scratch.fetch(self.remote, slug, f"+refs/heads/*:{below}*")
        return self.scratch.refs(below)

    def deadline(self) -> Deadline:
        """Until when the forge's API may stay behind a push."""
        return Deadline(_CATCH_UP, self.forge.clock)
