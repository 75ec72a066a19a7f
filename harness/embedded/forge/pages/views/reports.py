"""Reports of runs: the page, the report in its frame, and the endpoint that pipelines hand them over to.

``PUT /api/gitops/reports/<name>`` with ``{"html": …, "repository": "main/broker", "run": 12}``, a token (scope
``write:repository``) of somebody who may write that repository or ``main/config``; ``run`` is the run's id in its
address. The answer's ``url`` leads to the page. Who may read the repository, and with it the logs of its runs, may
read its reports.

A report is a page that others wrote into. It is shown in a frame that runs nothing, sends nothing, loads nothing from
anywhere and has no access to the page around it; the same holds when it is opened by itself.
"""

from __future__ import annotations

from starlette.responses import Response

from harness.embedded.forge.api.call import answer
from harness.embedded.forge.errors import ForbiddenError, InvalidError, not_found
from harness.embedded.forge.pages import gitops, respond
from harness.embedded.forge.pages.doors import Doors, Needs
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.services import reports
from harness.embedded.forge.services.reports import Report
from harness.embedded.forge.store import actions

doors = Doors()
_ONE = "/{owner}/{repo}/actions/reports/{name}"
_MOST_JSON = 2 * reports.MOST_BYTES + 1024**2  # quotes and line ends take two characters in JSON
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
        "sandbox",
    )
)


def _find(page: Page) -> Report:
    found = reports.find(page.forge, page.repository, page.params["name"])
    if found is None:
        raise not_found()
    return found


@doors.get(_ONE)
def report(page: Page) -> Response:
    """A report in the pages' frame, with the way to its run."""
    found = _find(page)
    run = actions.run(page.forge.db, found.run)
    shown = respond.show(page, "report", tab="runs", report=found, run=run)
    shown.headers["content-security-policy"] = f"{respond.POLICY}; frame-src 'self'"
    return shown


@doors.get(f"{_ONE}/document")
def document(page: Page) -> Response:
    """The report as it was handed over."""
    html = reports.read(_find(page))
    if html is None:
        raise not_found()
    headers = {
        "content-type": respond.HTML,
        "content-security-policy": _POLICY,
        "x-content-type-options": "nosniff",
        "x-frame-options": "SAMEORIGIN",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "private, no-cache",
    }
    return Response(html, 200, headers)


@gitops.guarded
def _keep(page: Page) -> Response:
    gitops.needs_scope(page, "write")
    sent = gitops.document(page, _MOST_JSON)
    if not isinstance(sent, dict):
        raise InvalidError("the body: an object is expected")
    repository = gitops.repository(page, str(sent.get("repository") or gitops.CONTROL))
    if repository is None or not (gitops.may_write(page, repository) or gitops.may_publish(page)):
        raise ForbiddenError("who hands over a report must be allowed to write its repository, or main/config")
    kept = reports.keep(page.forge, repository, page.params["name"], sent)
    return answer({"url": f"{page.base}/{repository.full_name}/actions/reports/{kept.name}"})


doors.add("PUT", "/api/gitops/reports/{name}", Needs(api=True, most=_MOST_JSON))(_keep)
