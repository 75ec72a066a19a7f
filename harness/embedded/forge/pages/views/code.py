"""A repository's start page and its directories."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from harness.embedded.forge.errors import not_found
from harness.embedded.forge.git import history
from harness.embedded.forge.git.trees import Entry
from harness.embedded.forge.pages import markdown, refs, respond, trunk
from harness.embedded.forge.pages.doors import Doors
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.pages.refs import Place
from harness.embedded.forge.pages.views import files, shared
from harness.embedded.forge.store import repositories

doors = Doors()


@doors.get("/{owner}/{repo}")
def start(page: Page) -> Response:
    """The files of the default branch, with the README below them."""
    default = page.repository.default_branch
    sha = page.git.branch(default)
    if sha is None:
        return respond.show(page, "empty_repository", tab="files")
    return directory(page, Place("branch", default, sha))


@doors.get("/{owner}/{repo}/src/{kind}/{rest:path}")
def source(page: Page) -> Response:
    """A directory or a file of a branch, tag or commit."""
    where = refs.find(page.git, page.params["kind"], page.params["rest"])
    if not where.path:
        return directory(page, where)
    entry = trunk.entry(page, where.sha, where.path)
    if entry is None:
        raise not_found()
    return directory(page, where) if entry.kind == "tree" else files.file(page, where, entry)


def directory(page: Page, where: Place) -> Response:
    """What a directory holds."""
    rows = trunk.rows(page, where.sha, where.path)
    values: dict[str, Any] = {
        "where": where,
        "rows": rows,
        "newest": trunk.commit(page, where.sha),
        "branches": trunk.branch_names(page),
        "checks": shared.checks(repositories.statuses(page.forge.db, page.repository.id, where.sha)),
        "readme": _readme(page, where, rows),
        "commits": _count(page, where.sha),
        "parent": repositories.by_id(page.forge.db, page.repository.fork_of) if page.repository.fork_of else None,
    }
    return respond.show(page, "directory", tab="files", **values)


def _count(page: Page, sha: str) -> int:
    return page.desk.lists.value(("count", page.repository.id, sha), lambda: history.count(page.git, [sha]))


def _readme(page: Page, where: Place, rows: list[trunk.Row]) -> dict[str, Any] | None:
    """The name and the HTML of the directory's README."""
    names = {row.entry.name.lower(): row.entry for row in rows if row.entry.kind == "blob"}
    entry = next((names[name] for name in trunk.READMES if name in names), None)
    if entry is None or entry.size > markdown.MOST:
        return None
    key = ("readme", page.repository.id, entry.sha, where.address, where.path)
    return {"name": entry.name, "html": page.desk.texts.value(key, lambda: rendered(page, where, entry))}


def rendered(page: Page, where: Place, entry: Entry) -> Any:
    """A text as HTML: Markdown rendered, anything else as it is."""
    text = page.git.blob(entry.sha).decode(errors="replace")
    if not entry.name.lower().endswith((".md", ".markdown")):
        return None if not text.strip() else files.plain(text)
    home = f"/{page.repository.full_name}"
    folder = entry.path.rpartition("/")[0]
    links, images = f"{home}/src/{where.address}", f"{home}/raw/{where.address}"
    return markdown.render(text, links=links, images=images, directory=folder)
