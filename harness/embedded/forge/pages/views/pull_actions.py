"""What the buttons of a pull request do."""

from __future__ import annotations

from starlette.responses import Response

from harness.embedded.forge.access import Mode
from harness.embedded.forge.errors import ForbiddenError, not_found
from harness.embedded.forge.pages import respond
from harness.embedded.forge.pages.doors import USER, WRITE, Doors
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.services import comments, events, merging, pulls
from harness.embedded.forge.services.merging import Wish
from harness.embedded.forge.store import pulls as store
from harness.embedded.forge.store.records import Comment, Pull

doors = Doors()
_ONE = "/{owner}/{repo}/pulls/{number}"


def _found(page: Page) -> Pull:
    return pulls.find(page.forge, page.repository, page.number("number"))


def _home(page: Page, found: Pull) -> str:
    return f"/{page.repository.full_name}/pulls/{found.number}"


@doors.post(f"{_ONE}/merge", WRITE)
def merge(page: Page) -> Response:
    """Accept exactly what the page showed: a head that moved meanwhile is a conflict."""
    found = _found(page)
    wish = Wish("merge", head=page.required("head", "The commit to merge"))
    done = merging.merge(page.forge, page.identity, page.repository, found.number, wish, page.base)
    return respond.done(page, f"Merged into {done.base}.", _home(page, done))


@doors.post(f"{_ONE}/update", USER)
def update(page: Page) -> Response:
    """Bring the base branch into the head."""
    found = _found(page)
    merging.update(page.forge, page.identity, page.repository, found, "merge", page.base)
    return respond.done(page, f"{found.head} now holds everything of {found.base}.", _home(page, found))


@doors.post(f"{_ONE}/state", USER)
def state(page: Page) -> Response:
    """Close it, or open it again."""
    found, wanted = _found(page), page.value("state")
    if wanted not in {"open", "closed"} or (found.user_id != page.user.id and page.mode < Mode.WRITE):
        raise not_found()
    changed, happened = pulls.edit(page.forge, found, {"state": wanted})
    for action in happened:
        events.pull(page.forge, page.user, changed, action, page.base)
    return respond.done(page, "Closed." if changed.closed else "Open again.", _home(page, changed))


@doors.post(f"{_ONE}/comments", USER)
def comment(page: Page) -> Response:
    """Say something."""
    found = _found(page)
    said = comments.create(page.forge, page.user, found, page.required("body", "The comment")[:65000], page.base)
    return respond.go(page, f"{_home(page, found)}#issuecomment-{said.id}")


def _said(page: Page, found: Pull) -> Comment:
    said = store.comment(page.forge.db, page.repository.id, page.number("comment"))
    if said is None or said.pull_id != found.id:
        raise not_found()
    comments.may_change(page.user, said, writer=page.mode >= Mode.WRITE)
    return said


@doors.post(f"{_ONE}/comments/{{comment}}/delete", USER)
def delete_comment(page: Page) -> Response:
    """Take something back."""
    found = _found(page)
    comments.delete(page.forge, page.user, found, _said(page, found), page.base)
    return respond.done(page, "The comment is gone.", _home(page, found))


@doors.post(f"{_ONE}/comments/{{comment}}", USER)
def edit_comment(page: Page) -> Response:
    """Say it otherwise."""
    found = _found(page)
    said = _said(page, found)
    comments.edit(page.forge, page.user, found, said, page.required("body", "The comment")[:65000], page.base)
    return respond.go(page, f"{_home(page, found)}#issuecomment-{said.id}")


@doors.post(f"{_ONE}/edit", USER)
def edit(page: Page) -> Response:
    """Another title or description."""
    found = _found(page)
    if found.user_id != page.user.id and page.mode < Mode.WRITE:
        raise ForbiddenError("Only its author or somebody who may write changes a pull request")
    changes = {"title": page.required("title", "A title")[:255], "body": page.value("body")[:65000]}
    changed, happened = pulls.edit(page.forge, found, changes)
    for action in happened:
        events.pull(page.forge, page.user, changed, action, page.base)
    return respond.done(page, "Saved.", _home(page, changed))
