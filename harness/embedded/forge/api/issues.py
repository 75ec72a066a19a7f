"""Pull requests as issues, which is how many clients read them; there are no other issues here."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from harness.embedded.forge.access import Mode
from harness.embedded.forge.api import binding, forms, needs
from harness.embedded.forge.api.call import Call, answer, paged
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.errors import EmptyError, not_found
from harness.embedded.forge.services import events, pulls, repositories
from harness.embedded.forge.shapes import pulls as shapes
from harness.embedded.forge.store import pulls as store
from harness.embedded.forge.store import repositories as repositories_store
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


@routes.patch(f"{_REPO}/issues/{{index}}", needs.ISSUES_SIGNED)
def edit(call: Call) -> Response:
    """Change title, text or state of one."""
    details = binding.read(call, forms.EDIT_ISSUE)
    found = store.by_number(call.forge.db, call.repository.id, call.number("index"))
    if found is None:
        raise not_found()
    if found.user_id != call.user.id and call.mode < Mode.WRITE:
        raise EmptyError(403)
    changed, actions = pulls.edit(call.forge, found, details)
    events.edited(call.forge, call.user, found, changed, actions, call.base)
    return answer(_shape(call, changed), 201)


@routes.get(f"{_REPO}/milestones", needs.ISSUES)
def milestones(call: Call) -> Response:
    """There are none here."""
    return paged(call, [])


@routes.get("/repos/issues/search", needs.PUBLIC)
def search(call: Call) -> Response:
    """The pull requests of every repository that the asker may see, newest first."""
    every = repositories.readable(call.forge, call.identity, repositories_store.every(call.forge.db))
    state, words = call.arg("state") or "open", call.arg("q").lower()
    found = [
        (one, within)
        for within in every
        for one in store.of_repository(call.forge.db, within.id)
        if (state == "all" or one.closed == (state == "closed")) and words in f"{one.title}\n{one.body}".lower()
        if call.arg("type") != "issues"
    ]
    found.sort(key=lambda pair: pair[0].id, reverse=True)
    shown = [
        shapes.issue(call.view, within, one, pulls.shape(call.forge, call.view, one))
        for one, within in call.slice(found)
    ]
    return paged(call, shown, len(found))
