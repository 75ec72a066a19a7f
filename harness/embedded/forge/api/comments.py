"""Comments on pull requests, and statuses of commits."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from harness.embedded.forge import clock
from harness.embedded.forge.access import Mode
from harness.embedded.forge.api import binding, forms, needs
from harness.embedded.forge.api.call import Call, answer, empty, page_headers
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.errors import InternalError, no_object, not_found
from harness.embedded.forge.services import comments, events, statuses
from harness.embedded.forge.shapes import pulls as shapes
from harness.embedded.forge.shapes import repository as repository_shape
from harness.embedded.forge.store import pulls, repositories
from harness.embedded.forge.store.records import Comment, Pull

routes = Routes()
_REPO = "/repos/{owner}/{repo}"


def _pull(call: Call) -> Pull:
    """The pull request; Gitea answers 500 when there is none."""
    found = pulls.by_number(call.forge.db, call.repository.id, call.number("index"))
    if found is None:
        words = f"id: 0, repo_id: {call.repository.id}, index: {call.params['index']}"
        raise InternalError(f"issue does not exist [{words}]")
    return found


def _comment(call: Call) -> tuple[Pull, Comment]:
    said = pulls.comment(call.forge.db, call.repository.id, call.number("id"))
    found = pulls.by_id(call.forge.db, said.pull_id) if said else None
    if said is None or found is None:
        raise not_found(f"comment does not exist [id: {call.params['id']}, issue_id: 0]")
    return found, said


def _show(call: Call, found: Pull, said: Comment) -> dict[str, Any]:
    return shapes.comment(call.view, call.repository, found, said)


@routes.get(f"{_REPO}/issues/{{index}}/comments", needs.ISSUES)
def every(call: Call) -> Response:
    """What was said on one."""
    found = _pull(call)
    said = [one for one in pulls.comments(call.forge.db, found.id) if _within(call, one)]
    return answer([_show(call, found, one) for one in said], 200, {"x-total-count": str(len(said))})


def _within(call: Call, said: Comment) -> bool:
    """Whether it was changed between the times that the query names."""
    since, before = (clock.read(call.arg(name)) for name in ("since", "before"))
    return (since is None or said.updated >= since) and (before is None or said.updated <= before)


@routes.get(f"{_REPO}/issues/comments", needs.ISSUES)
def everywhere(call: Call) -> Response:
    """What was said in the repository."""
    shown = []
    for found in reversed(pulls.of_repository(call.forge.db, call.repository.id)):
        said = [one for one in pulls.comments(call.forge.db, found.id) if _within(call, one)]
        shown += [_show(call, found, one) for one in said]
    shown.sort(key=lambda one: int(one["id"]))
    return answer(list(call.slice(shown)), 200, page_headers(call, len(shown)))


@routes.post(f"{_REPO}/issues/{{index}}/comments", needs.ISSUES_SIGNED)
def create(call: Call) -> Response:
    """Say something."""
    body = binding.read(call, forms.COMMENT)["body"]
    found = _pull(call)
    return answer(_show(call, found, comments.create(call.forge, call.user, found, body, call.base)), 201)


@routes.get(f"{_REPO}/issues/comments/{{id}}", needs.ISSUES)
def read(call: Call) -> Response:
    """One comment."""
    return answer(_show(call, *_comment(call)))


@routes.patch(f"{_REPO}/issues/comments/{{id}}", needs.ISSUES_SIGNED)
@routes.patch(f"{_REPO}/issues/{{index}}/comments/{{id}}", needs.ISSUES_SIGNED)
def edit(call: Call) -> Response:
    """Say it otherwise."""
    body = binding.read(call, forms.EDIT_COMMENT)["body"]
    found, said = _comment(call)
    comments.may_change(call.user, said, writer=call.mode >= Mode.WRITE)
    return answer(_show(call, found, comments.edit(call.forge, call.user, found, said, body, call.base)))


@routes.delete(f"{_REPO}/issues/comments/{{id}}", needs.ISSUES_SIGNED)
@routes.delete(f"{_REPO}/issues/{{index}}/comments/{{id}}", needs.ISSUES_SIGNED)
def delete(call: Call) -> Response:
    """Take it back."""
    found, said = _comment(call)
    comments.may_change(call.user, said, writer=call.mode >= Mode.WRITE)
    comments.delete(call.forge, call.user, found, said, call.base)
    return empty()


# Statuses


@routes.post(f"{_REPO}/statuses/{{sha}}", needs.WRITE_ANY)
def set_status(call: Call) -> Response:
    """Say something of a commit."""
    details = binding.read(call, forms.STATUS)
    made = statuses.create(call.forge, call.user, call.repository, call.params["sha"], details)
    events.status(call.forge, call.user, call.repository, made.id, call.base)
    return answer(shapes.status(call.view, call.repository, made), 201)


def _sha(call: Call, rev: str) -> str:
    sha = call.git.resolve(rev)
    if sha is None:
        raise not_found(no_object(rev))
    return sha


@routes.get(f"{_REPO}/statuses/{{ref}}", needs.READ)
@routes.get(f"{_REPO}/commits/{{ref}}/statuses", needs.READ)
def of_commit(call: Call) -> Response:
    """Everything that was said of a commit."""
    found = repositories.statuses(call.forge.db, call.repository.id, _sha(call, call.params["ref"]))
    state, sort = call.arg("state"), call.arg("sort")
    found = [one for one in found if state not in shapes.WORST or state == one.state]
    if sort in {"oldest", "leastupdate", "leastindex"}:
        found.reverse()
    shown = [shapes.status(call.view, call.repository, one) for one in call.slice(found)]
    return answer(shown, 200, page_headers(call, len(found)))


@routes.get(f"{_REPO}/commits/{{ref}}/status", needs.READ)
def combined(call: Call) -> Response:
    """The newest by context, and the worst of them."""
    sha = _sha(call, call.params["ref"])
    newest = shapes.newest_by_context(repositories.statuses(call.forge.db, call.repository.id, sha))
    shown = [shapes.status(call.view, call.repository, one) for one in call.slice(newest)]
    return answer(
        {
            "state": shapes.combined_state(newest),
            "sha": sha,
            "total_count": len(newest),
            "statuses": shown,
            "repository": repository_shape.repository(call.view, call.repository),
            "commit_url": call.view.api(call.repository, "commits", sha),
            "url": call.view.api(call.repository, "commits", sha, "status"),
        },
        200,
        page_headers(call, len(newest)),
    )
