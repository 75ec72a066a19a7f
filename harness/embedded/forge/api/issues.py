"""Pull requests as issues, which is how many clients read them; there are no other issues here."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from harness.embedded.forge.api import needs
from harness.embedded.forge.api.call import Call, answer, paged
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.errors import not_found
from harness.embedded.forge.services import pulls
from harness.embedded.forge.shapes import pulls as shapes
from harness.embedded.forge.store import pulls as store
from harness.embedded.forge.store.records import Pull

routes = Routes()
_REPO = "/repos/{owner}/{repo}"


def _shape(call: Call, found: Pull) -> dict[str, Any]:
    whole = pulls.shape(call.forge, call.view, found)
    return shapes.issue(call.view, call.repository, found, whole)


@routes.get(f"{_REPO}/issues", needs.ISSUES)
def every(call: Call) -> Response:
    """The pull requests, unless only real issues are wanted."""
    state = call.arg("state") or "open"
    found = [] if call.arg("type") == "issues" else store.of_repository(call.forge.db, call.repository.id)
    wanted = [one for one in found if state == "all" or one.closed == (state == "closed")]
    return paged(call, [_shape(call, one) for one in call.slice(wanted)], len(wanted))


@routes.get(f"{_REPO}/issues/{{index}}", needs.ISSUES)
def read(call: Call) -> Response:
    """One of them."""
    found = store.by_number(call.forge.db, call.repository.id, call.number("index"))
    if found is None:
        raise not_found()
    return answer(_shape(call, found))


@routes.get(f"{_REPO}/labels", needs.READ)
@routes.get(f"{_REPO}/milestones", needs.READ)
@routes.get("/orgs/{org}/labels", needs.ORG)
def none(call: Call) -> Response:
    """There are no labels and no milestones here."""
    return paged(call, [])
