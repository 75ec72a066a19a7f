"""History and single commits."""

from __future__ import annotations

from starlette.responses import Response

from harness.embedded.forge.errors import not_found
from harness.embedded.forge.git import history, names
from harness.embedded.forge.pages import difference, refs, respond, trunk
from harness.embedded.forge.pages.doors import Doors
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.pages.views import shared
from harness.embedded.forge.store import browsing, repositories

doors = Doors()


@doors.get("/{owner}/{repo}/commits/{kind}/{rest:path}")
def log(page: Page) -> Response:
    """The commits that a ref reaches, newest first; with a path those that touched it."""
    where = refs.find(page.git, page.params["kind"], page.params["rest"])
    key = ("log", page.repository.id, where.sha, where.path, page.at)
    found = page.desk.lists.value(key, lambda: _walk(page, where))
    counted = ("log-count", page.repository.id, where.sha, where.path)
    total = page.desk.lists.value(counted, lambda: history.count(page.git, [where.sha], path=where.path))
    values = {
        "where": where,
        "commits": found,
        "checks": shared.checks_of(page, [one.sha for one in found]),
        "people": browsing.accounts_by_email(page.forge.db, [one.author.email for one in found]),
        "branches": trunk.branch_names(page),
        "pager": shared.pager(page, total),
    }
    return respond.show(page, "commits", tab="commits", **values)


def _walk(page: Page, where: refs.Place) -> list[history.Commit]:
    return history.walk(page.git, [where.sha], limit=shared.PER_PAGE, skip=shared.skip(page), path=where.path)


@doors.get("/{owner}/{repo}/commit/{name}")
def commit(page: Page) -> Response:
    """A commit with its difference; ``.diff`` and ``.patch`` give it as text."""
    name, dot, kind = page.params["name"].partition(".")
    if not names.is_sha(name) or (dot and kind not in {"diff", "patch"}):
        raise not_found()
    sha = refs.find(page.git, "commit", name).sha
    if dot:
        text = history.show(page.git, sha, kind)
        return respond.harmless(Response(text, 200, {"content-type": "text/plain; charset=utf-8"}))
    found = trunk.commit(page, sha)
    values = {
        "commit": found,
        "difference": difference.html(page, "", sha, lambda: history.show(page.git, sha, "diff")),
        "checks": shared.checks(repositories.statuses(page.forge.db, page.repository.id, sha)),
        "runs": browsing.runs_of_commit(page.forge.db, page.repository.id, sha),
        "people": browsing.accounts_by_email(page.forge.db, [found.author.email]),
    }
    return respond.show(page, "commit", tab="commits", **values)
