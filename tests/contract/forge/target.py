"""What a forge under test is to the tests."""

from __future__ import annotations

from dataclasses import dataclass

from harness.embedded.forge import server


@dataclass(frozen=True, slots=True)
class Target:
    """A forge and its administrator; ``embedded`` is ``None`` for a real Gitea."""

    base: str
    admin: str
    password: str
    embedded: server.Served | None = None
