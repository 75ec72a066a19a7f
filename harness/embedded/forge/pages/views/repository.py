"""Settings of a repository."""

from __future__ import annotations

from starlette.responses import Response

from harness.embedded.forge.access import Mode
from harness.embedded.forge.errors import ForgeError
from harness.embedded.forge.pages import respond, trunk
from harness.embedded.forge.pages.doors import ADMIN, Doors, Needs
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.services import repositories

doors = Doors()
_HOME = "/{owner}/{repo}/settings"


@doors.get(_HOME, ADMIN)
def form(page: Page) -> Response:
    """Description, default branch, visibility, archive."""
    return respond.show(page, "repository_settings", tab="settings", part="general", branches=trunk.branch_names(page))


@doors.post(_HOME, ADMIN)
def save(page: Page) -> Response:
    """Change description, default branch, visibility."""
    changes = {
        "description": page.value("description").strip()[:2000],
        "website": page.value("website").strip()[:500],
        "default_branch": page.value("default_branch"),
        "private": page.value("private") == "on",
    }
    if changes["website"] and not str(changes["website"]).startswith(("http://", "https://")):
        raise ForgeError("A website begins with http:// or https://.", status=422)
    repositories.edit(page.forge, page.repository, changes)
    return respond.done(page, "Saved.", f"/{page.repository.full_name}/settings")


@doors.post(f"{_HOME}/archive", Needs(user=True, mode=Mode.ADMIN, archived=True))
def archive(page: Page) -> Response:
    """Make it read-only, or open it again."""
    wanted = page.value("archived") == "yes"
    repositories.edit(page.forge, page.repository, {"archived": wanted})
    words = "Archived: it can be read, not changed." if wanted else "Open for changes again."
    return respond.done(page, words, f"/{page.repository.full_name}/settings")
