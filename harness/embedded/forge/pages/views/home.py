"""The start page and the lists over all repositories."""

from __future__ import annotations

from starlette.responses import Response

from harness.embedded.forge.errors import not_found
from harness.embedded.forge.pages import assets, respond
from harness.embedded.forge.pages.doors import USER, Doors
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.pages.views import shared, tasks
from harness.embedded.forge.services import containers
from harness.embedded.forge.store import accounts, browsing
from harness.embedded.forge.store.records import Repository

doors = Doors()
_FEW = 8


@doors.get("/assets/{name}")
def asset(page: Page) -> Response:
    """The style sheet, the script, the sign."""
    found = assets.answer(page.params["name"], page.arg("v"))
    if found is None:
        raise not_found()
    return found


@doors.get("/favicon.ico")
def sign(page: Page) -> Response:
    """What browsers ask for by themselves."""
    return respond.go(page, assets.address("sign.svg"))


@doors.get("/")
def home(page: Page) -> Response:
    """What there is and what waits for a person."""
    known = shared.readable(page)
    keys = [one.id for one in known]
    waiting = browsing.pulls(page.forge.db, keys, closed=False, limit=_FEW)
    newest = browsing.newest_runs(page.forge.db, keys)
    found = tasks.of(page, known, newest)
    values = {
        "repositories": known,
        "owners": _by_owner([one for one in known if not found or one.owner_name != tasks.OWNER]),
        "newest": newest,
        "tasks": found,
        "pulls": waiting,
        "pull_count": browsing.count_pulls(page.forge.db, keys, closed=False),
        "checks": shared.checks_of(page, [one.head_sha for one in waiting]),
        "runs": browsing.runs(page.forge.db, keys, limit=_FEW),
        "running": browsing.count_runs(page.forge.db, keys, status="running"),
        "board": containers.read(page.forge) if page.viewer else None,
    }
    return respond.show(page, "home", **values)


def _by_owner(known: list[Repository]) -> dict[str, list[Repository]]:
    found: dict[str, list[Repository]] = {}
    for one in known:
        found.setdefault(one.owner_name, []).append(one)
    return found


@doors.get("/explore/repos")
def repositories(page: Page) -> Response:
    """Every repository that one may see; ``q`` looks into name and description."""
    wanted = page.arg("q").strip().lower()
    known = shared.readable(page)
    found = [one for one in known if wanted in one.full_name.lower() or wanted in one.description.lower()]
    shown = found[shared.skip(page) : shared.skip(page) + shared.PER_PAGE]
    newest = browsing.newest_runs(page.forge.db, [one.id for one in shown])
    values = {"repositories": shown, "newest": newest, "wanted": page.arg("q").strip()}
    return respond.show(page, "repositories", pager=shared.pager(page, len(found)), **values)


@doors.get("/explore/organizations")
def organisations(page: Page) -> Response:
    """Every organisation that has something to show, or shows itself."""
    known = shared.readable(page)
    counts: dict[int, int] = {}
    for one in known:
        counts[one.owner_id] = counts.get(one.owner_id, 0) + 1
    every = accounts.organisations(page.forge.db)
    found = [one for one in every if one.visibility == "public" or counts.get(one.id) or page.viewer]
    return respond.show(page, "organisations", organisations=found, counts=counts)


@doors.get("/explore/users")
def people(page: Page) -> Response:
    """Gitea's address; accounts are listed to nobody here."""
    return respond.go(page, "/explore/organizations")


@doors.get("/pulls", USER)
def pulls(page: Page) -> Response:
    """Pull requests of all repositories."""
    keys, closed = [one.id for one in shared.readable(page)], page.arg("state") == "closed"
    found = browsing.pulls(page.forge.db, keys, closed=closed, limit=shared.PER_PAGE, skip=shared.skip(page))
    counts = {state: browsing.count_pulls(page.forge.db, keys, closed=state) for state in (False, True)}
    values = {"checks": shared.checks_of(page, [one.head_sha for one in found]), "counts": counts, "closed": closed}
    return respond.show(page, "all_pulls", pulls=found, pager=shared.pager(page, counts[closed]), **values)


@doors.get("/runs")
def runs(page: Page) -> Response:
    """Runs of all repositories."""
    keys, status = [one.id for one in shared.readable(page)], page.arg("status")
    found = browsing.runs(page.forge.db, keys, limit=shared.PER_PAGE, skip=shared.skip(page), status=status)
    total = browsing.count_runs(page.forge.db, keys, status=status)
    return respond.show(page, "all_runs", runs=found, pager=shared.pager(page, total), only=status)
