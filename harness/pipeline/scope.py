"""Which containers a repository of the forge is about, and where its files belong in the monorepo. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from harness.inventory.model import CONTROL_PLANE
from harness.kit.errors import UsageError
from harness.lifecycle.seeding import names as forge_names
from harness.repo.parts import LIBRARIES

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Scope:
    """``names``: the containers, none for all of them; ``place``: the repository's directory, empty for the whole."""

    names: tuple[str, ...]
    place: str
    stage: str | None = None

    @property
    def whole(self) -> bool:
        """Whether the repository is the monorepo itself."""
        return not self.place


def of(repository: str) -> Scope:
    """The scope of ``owner/name``; raises ``UsageError`` for a repository that the monorepo has no part in."""
    organisation, _, name = repository.partition("/")
    if repository == forge_names.CONFIG:
        return Scope((), "")
    if organisation in (forge_names.MAIN, forge_names.STAGE) and _NAME.fullmatch(name):
        stage = organisation if organisation != forge_names.MAIN else None
        return Scope((name,), f"{LIBRARIES}/{name}", stage)
    raise UsageError(f"{repository} is no part of the monorepo", hint="start it from a repository of main or stage")


def configured_by(scope: Scope) -> tuple[str, ...]:
    """What a push to ``main`` configures: of the monorepo its own container only, since each part has a push itself."""
    return (CONTROL_PLANE,) if scope.whole else scope.names
