"""A ref and a path out of one address: a branch's name may hold slashes, so the address alone does not tell."""

from __future__ import annotations

from dataclasses import dataclass

from harness.embedded.forge.errors import not_found
from harness.embedded.forge.git import names
from harness.embedded.forge.git.repository import GitRepository

KINDS = ("branch", "tag", "commit")


@dataclass(frozen=True, slots=True)
class Place:
    """A commit under the name that the address has for it, and a path in it (empty: its root)."""

    kind: str
    name: str
    sha: str
    path: str = ""

    @property
    def address(self) -> str:
        """The part of an address that names it: ``branch/main``."""
        return f"{self.kind}/{self.name}"

    @property
    def label(self) -> str:
        """As a person calls it."""
        return self.name[:10] if self.kind == "commit" else self.name


def find(git: GitRepository, kind: str, rest: str) -> Place:
    """What ``<kind>/<rest>`` means; the shortest name that exists wins. Raises ``MissingError``."""
    if kind not in KINDS:
        raise not_found()
    parts = rest.strip("/").split("/")
    if kind == "commit":
        return _commit(git, parts)
    cuts = [("/".join(parts[:at]), "/".join(parts[at:])) for at in range(1, min(len(parts), 12) + 1)]
    known = [cut for cut in cuts if names.is_ref_name(cut[0])]
    folder = "refs/heads/" if kind == "branch" else "refs/tags/"
    answers = git.check([f"{folder}{name}^{{commit}}" for name, _ in known]) if known else []
    for (name, path), found in zip(known, answers, strict=True):
        if found:
            return Place(kind, name, found[0], path)
    raise not_found()


def _commit(git: GitRepository, parts: list[str]) -> Place:
    found = git.check([f"{parts[0]}^{{commit}}"])[0] if names.is_sha(parts[0]) else None
    if found is None:
        raise not_found()
    return Place("commit", found[0], found[0], "/".join(parts[1:]))
