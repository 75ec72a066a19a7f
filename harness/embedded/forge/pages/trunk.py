"""What git says of a commit, remembered: it never changes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.embedded.forge.git import history, trees
from harness.embedded.forge.git.history import Commit
from harness.embedded.forge.git.trees import Entry
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.services import contents

READMES = ("readme.md", "readme.markdown", "readme.txt", "readme")


@dataclass(frozen=True, slots=True)
class Row:
    """An entry of a directory with the commit that touched it last; ``target`` is a submodule's address."""

    entry: Entry
    commit: Commit | None
    target: str = ""


def commit(page: Page, sha: str) -> Commit:
    """One commit."""
    key = ("commit", page.repository.id, sha)
    return page.desk.lists.value(key, lambda: history.read(page.git, sha))


def rows(page: Page, sha: str, path: str) -> list[Row]:
    """A directory: directories and submodules first."""
    return page.desk.lists.value(("rows", page.repository.id, sha, path), lambda: _rows(page, sha, path))


def _rows(page: Page, sha: str, path: str) -> list[Row]:
    found = trees.listing(page.git, sha, path)
    if not found:
        return []
    last = trees.last_commits(page.git, sha, path, [one.path for one in found])
    known = history.read_many(page.git, sorted(set(last.values())))
    made = [Row(one, known.get(last[one.path]), _target(page, sha, one)) for one in found]
    return sorted(made, key=lambda row: (row.entry.kind == "blob", row.entry.name.lower()))


def _target(page: Page, sha: str, entry: Entry) -> str:
    """The page of a submodule's repository, where its address is one of this forge."""
    if entry.kind != "commit":
        return ""
    url = contents.submodule_url(page.git, sha, entry.path) or ""
    name = url.removesuffix(".git").rsplit("/", 1)[-1]
    relative = url.startswith("../") and url.count("/") == 1 and re.fullmatch(r"[\w.-]*\w[\w.-]*", name, re.ASCII)
    return f"/{page.repository.owner_name}/{name}" if relative else ""


def entry(page: Page, sha: str, path: str) -> Entry | None:
    """What stands at a path."""
    key = ("entry", page.repository.id, sha, path)
    return page.desk.lists.value(key, lambda: trees.find(page.git, sha, path))


def branch_names(page: Page) -> list[str]:
    """Every branch, the default one first."""
    found = [ref.name[11:] for ref in page.git.refs("refs/heads/")]
    default = page.repository.default_branch
    return sorted(found, key=lambda name: (name != default, name))
