"""Repositories, their files and their forks (Gitea API: /repos/{owner}/{repo})."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from harness.forge.client import Forge, segment
from harness.forge.errors import Conflict, NotFound
from harness.forge.model import Repository


def path(slug: str, *rest: object) -> str:
    """The API's path of ``owner/name``, and of something below it."""
    owner, _, name = slug.partition("/")
    return "/".join(["repos", segment(owner), segment(name), *(str(part) for part in rest)])


def find(forge: Forge, slug: str) -> Repository | None:
    """The repository, or None. A renamed one is found under its old name: compare ``slug``."""
    found = forge.find(path(slug))
    return Repository.of(found) if found else None


def create(
    forge: Forge, organisation: str, name: str, *, description: str = "", private: bool = False, branch: str = "main"
) -> Repository:
    """Make an empty repository in an organisation; raises ``Conflict`` when the name is taken."""
    body = {
        "name": name,
        "description": description,
        "private": private,
        "auto_init": False,
        "default_branch": branch,
    }
    return Repository.of(forge.post(f"orgs/{segment(organisation)}/repos", body))


def edit(forge: Forge, slug: str, **changes: Any) -> Repository:
    """Change settings: ``description``, ``archived``, ``private``, ``default_branch``, ``has_actions`` …"""
    return Repository.of(forge.patch(path(slug), changes))


def archive(forge: Forge, slug: str, *, archived: bool = True) -> Repository:
    """Make a repository read-only, or writable again."""
    return edit(forge, slug, archived=archived)


def fork(forge: Forge, slug: str, organisation: str) -> Repository:
    """Fork into an organisation; the fork that is already there is returned."""
    try:
        return Repository.of(forge.post(path(slug, "forks"), {"organization": organisation}))
    except Conflict:
        there = find(forge, f"{organisation}/{slug.partition('/')[2]}")
        if there is None:
            raise
        return there


def read(forge: Forge, slug: str, file: str, ref: str) -> bytes | None:
    """A file's bytes at a branch, tag or commit; None when it is not there."""
    try:
        return forge.raw(path(slug, "raw", quote(file)), ref=ref)
    except NotFound:
        return None


def submodule_sha(forge: Forge, slug: str, directory: str, ref: str) -> str | None:
    """The commit that a submodule points to; None when there is no submodule."""
    found = forge.find(path(slug, "contents", quote(directory)), ref=ref)
    if not isinstance(found, dict) or found.get("type") != "submodule":
        return None
    return str(found["sha"])
