"""One file: shown with line numbers, rendered, raw; archives of a commit."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from harness.embedded.forge.access import Identity
from harness.embedded.forge.api import contents as contents_api
from harness.embedded.forge.api.call import Call
from harness.embedded.forge.errors import not_found
from harness.embedded.forge.git.trees import Entry
from harness.embedded.forge.pages import highlight, markdown, refs, respond, trunk
from harness.embedded.forge.pages.doors import Doors
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.pages.refs import Place

doors = Doors()
_MOST_SHOWN = 1024 * 1024
_MOST_KEPT = 300_000
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")


def plain(text: str) -> Markup:
    """Text that keeps its lines."""
    return Markup('<pre class="plain">{}</pre>').format(text)


def file(page: Page, where: Place, entry: Entry) -> Response:
    """A file with line numbers; ``?display=source`` shows the source of what would be rendered."""
    if entry.kind == "commit":
        return _submodule(page, where, entry)
    is_markdown = entry.name.lower().endswith((".md", ".markdown"))
    values: dict[str, Any] = {"where": where, "entry": entry, "lines": None, "html": None, "kind": "text"}
    values["newest"] = _last(page, where, entry)
    values["is_markdown"] = is_markdown
    values["as_source"] = page.arg("display") == "source"
    if entry.name.lower().endswith(_PICTURES):
        values["kind"] = "picture"
    elif entry.size > _MOST_SHOWN:
        values["kind"] = "large"
    else:
        _text(page, where, entry, values)
    return respond.show(page, "file", tab="files", **values)


def _text(page: Page, where: Place, entry: Entry, values: dict[str, Any]) -> None:
    raw = page.git.blob(entry.sha)
    if b"\0" in raw[:8000]:
        values["kind"] = "binary"
        return
    text = raw.decode(errors="replace")
    if values["is_markdown"] and not values["as_source"] and len(text) <= markdown.MOST:
        values["html"] = _markdown(page, where, entry, text)
    elif len(text) > _MOST_KEPT:
        values["lines"] = highlight.lines(text, entry.name)
    else:
        key = ("lines", entry.sha, entry.name)
        values["lines"] = page.desk.texts.value(key, lambda: highlight.lines(text, entry.name))


def _markdown(page: Page, where: Place, entry: Entry, text: str) -> Markup:
    home, folder = f"/{page.repository.full_name}", entry.path.rpartition("/")[0]
    links, images = f"{home}/src/{where.address}", f"{home}/raw/{where.address}"
    return markdown.render(text, links=links, images=images, directory=folder)


def _last(page: Page, where: Place, entry: Entry) -> Any:
    """The commit that touched the file last, from the listing of its directory."""
    rows = trunk.rows(page, where.sha, entry.path.rpartition("/")[0])
    return next((row.commit for row in rows if row.entry.path == entry.path), None)


def _submodule(page: Page, where: Place, entry: Entry) -> Response:
    rows = trunk.rows(page, where.sha, entry.path.rpartition("/")[0])
    target = next((row.target for row in rows if row.entry.path == entry.path), "")
    if not target:
        raise not_found()
    return respond.go(page, f"{target}/src/commit/{entry.sha}")


@doors.get("/{owner}/{repo}/raw/{kind}/{rest:path}")
def raw(page: Page) -> Response:
    """The bytes of a file; nothing in them runs in a browser."""
    where = refs.find(page.git, page.params["kind"], page.params["rest"])
    entry = trunk.entry(page, where.sha, where.path) if where.path else None
    if entry is None or entry.kind != "blob":
        raise not_found()
    return respond.harmless(contents_api.raw_file(page.git.blob(entry.sha), where.path))


@doors.get("/{owner}/{repo}/archive/{name:path}")
def archive(page: Page) -> Response:
    """The files of a ref as ``.zip`` or ``.tar.gz``."""
    return respond.harmless(contents_api.make_archive(as_call(page), page.params["name"]))


def as_call(page: Page) -> Call:
    """For answers that the API has too."""
    identity = Identity(page.viewer) if page.session else page.identity
    found = page.found
    return Call(page.forge, "GET", page.path, page.params, page.query, page.headers, b"", page.base, identity, found)
