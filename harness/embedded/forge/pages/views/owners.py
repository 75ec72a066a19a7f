"""The page of an organisation or a person."""

from __future__ import annotations

from starlette.responses import Response

from harness.embedded.forge import access
from harness.embedded.forge.errors import not_found
from harness.embedded.forge.pages import respond
from harness.embedded.forge.pages.doors import Doors
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.services import repositories as repository_service
from harness.embedded.forge.store import accounts, browsing, repositories

doors = Doors()


@doors.get("/{owner}")
def owner(page: Page) -> Response:
    """Its repositories, and for members who they are."""
    db, name = page.forge.db, page.params["owner"]
    found = accounts.by_name(db, name)
    if found is None:
        renamed = accounts.redirected(db, name)
        if renamed is None:
            raise not_found()
        return respond.go(page, f"/{renamed.name}")
    if found.organisation and not access.may_read_organisation(db, page.viewer, found):
        raise not_found()
    shown = repository_service.readable(page.forge, page.identity, repositories.owned(db, found.id))
    member = found.organisation and access.is_member(db, page.viewer, found)
    values = {
        "account": found,
        "repositories": shown,
        "newest": browsing.newest_runs(db, [one.id for one in shown]),
        "members": accounts.members(db, found.id) if member else [],
        "may_set": found.organisation and access.is_owner(db, page.viewer, found),
    }
    return respond.show(page, "owner", **values)
