"""Verdicts on pull requests, and who is asked for one."""

from __future__ import annotations

from starlette.responses import Response

from harness.embedded.forge import clock
from harness.embedded.forge.access import Mode
from harness.embedded.forge.api import binding, forms, needs
from harness.embedded.forge.api.call import Call, answer, empty, page_headers
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.errors import (
    InvalidError,
    MissingError,
    not_found,
)
from harness.embedded.forge.services import events, hooks, payloads, pulls
from harness.embedded.forge.shapes import pulls as pulls_shape
from harness.embedded.forge.store import accounts
from harness.embedded.forge.store import pulls as store
from harness.embedded.forge.store.records import Account, Pull, Review

routes = Routes()
_REPO = "/repos/{owner}/{repo}"
_EVENTS = {"APPROVED": "approved", "REQUEST_CHANGES": "rejected", "COMMENT": "comment", "PENDING": ""}


def _found(call: Call) -> Pull:
    return pulls.find(call.forge, call.repository, call.number("index"))


def people(call: Call, wanted: list[str]) -> list[Account]:
    """Who is meant by names; raises ``MissingError`` for a name that nobody has."""
    found = [(name, accounts.by_name(call.forge.db, str(name))) for name in dict.fromkeys(wanted)]
    for name, one in found:
        if one is None:
            raise MissingError(f"user '{name}' not exist", errors=None)
    return [one for _, one in found if one]


@routes.get(f"{_REPO}/pulls/{{index}}/reviews", needs.READ)
def every(call: Call) -> Response:
    """Its verdicts."""
    found = _found(call)
    made = store.reviews(call.forge.db, found.id)
    shown = [pulls_shape.review(call.view, call.repository, found, one) for one in call.slice(made)]
    return answer(shown, 200, page_headers(call, len(made)))


@routes.post(f"{_REPO}/pulls/{{index}}/reviews", needs.SIGNED)
def create_review(call: Call) -> Response:
    """A new verdict."""
    details, found = binding.read(call, forms.REVIEW), _found(call)
    state = {"": "PENDING", "APPROVE": "APPROVED"}.get(details.get("event", ""), details.get("event", ""))
    body = details.get("body", "")
    _check_review(call, found, state, body)
    key = _insert_review(call, found, state, body)
    if _EVENTS[state]:
        kind = f"pull_request_review_{_EVENTS[state]}"
        payload = payloads.review(call.forge, call.user, found, kind, body, call.base)
        hooks.deliver(call.forge, call.repository, kind, payload, branch=found.base)
    made = call.forge.db.one(Review, "SELECT * FROM review WHERE id = ?", key)
    assert made is not None
    return answer(pulls_shape.review(call.view, call.repository, found, made))


def _check_review(call: Call, found: Pull, state: str, body: str) -> None:
    if state not in _EVENTS:
        raise InvalidError(f"unknown review event [{state}]")
    if found.user_id == call.user.id and state in {"APPROVED", "REQUEST_CHANGES"}:
        verb = "approve" if state == "APPROVED" else "reject"
        raise InvalidError(f"{verb} your own pull is not allowed")
    if state in {"REQUEST_CHANGES", "COMMENT"} and not body.strip():
        raise InvalidError(f"review event {state} requires a body")


def _insert_review(call: Call, found: Pull, state: str, body: str) -> int:
    """The verdict; who gives one counts as having been asked, as in Gitea."""
    db, now = call.forge.db, clock.now()
    with db.write():
        key = db.insert(
            "review", pull_id=found.id, user_id=call.user.id, state=state, body=body, sha=found.head_sha,
            official=call.mode >= Mode.WRITE, comment_id=0, created=now, updated=now,
        )  # fmt: skip
        db.update("review", key, comment_id=key)
        if state in {"APPROVED", "REQUEST_CHANGES"}:
            db.run("INSERT OR IGNORE INTO pull_person VALUES (?, ?, 'reviewer')", found.id, call.user.id)
    call.forge.checks.ring()
    return key


@routes.get(f"{_REPO}/pulls/{{index}}/reviews/{{id}}", needs.READ)
def review(call: Call) -> Response:
    """One verdict."""
    found = _found(call)
    for one in store.reviews(call.forge.db, found.id):
        if one.id == call.number("id"):
            return answer(pulls_shape.review(call.view, call.repository, found, one))
    raise not_found()


@routes.get(f"{_REPO}/pulls/{{index}}/reviews/{{id}}/comments", needs.READ)
def review_comments(call: Call) -> Response:
    """Remarks on lines, of which there are none here."""
    review(call)
    return answer([])


@routes.post(f"{_REPO}/pulls/{{index}}/reviews/{{id}}/dismissals", needs.ADMINISTER)
def dismiss(call: Call) -> Response:
    """Let a verdict count no more."""
    return _dismissed(call, 1)


@routes.post(f"{_REPO}/pulls/{{index}}/reviews/{{id}}/undismissals", needs.ADMINISTER)
def undismiss(call: Call) -> Response:
    """Let it count again."""
    return _dismissed(call, 0)


def _dismissed(call: Call, value: int) -> Response:
    review(call)
    call.forge.db.update("review", call.number("id"), dismissed=value, updated=clock.now())
    return review(call)


@routes.delete(f"{_REPO}/pulls/{{index}}/reviews/{{id}}", needs.WRITE_ANY)
def delete_review(call: Call) -> Response:
    """Remove a verdict."""
    if not call.forge.db.run("DELETE FROM review WHERE id = ? AND pull_id = ?", call.number("id"), _found(call).id):
        raise not_found()
    return empty()


@routes.post(f"{_REPO}/pulls/{{index}}/requested_reviewers", needs.WRITE_ANY)
def ask(call: Call) -> Response:
    """Ask people for a verdict."""
    found, wanted = _found(call), binding.read(call, forms.REVIEWERS).get("reviewers", [])
    now, made = clock.now(), []
    for one in people(call, wanted):
        if one.id == found.user_id:
            raise InvalidError(f"[not valid review request] poster of pr can't be reviewer [user_id: {one.id}]")
        call.forge.db.run("INSERT OR IGNORE INTO pull_person VALUES (?, ?, 'reviewer')", found.id, one.id)
        events.asked(call.forge, call.user, found, one, "review_requested", call.base)
        asked = Review(0, found.id, one.id, "REQUEST_REVIEW", "", "", True, False, 0, now, now)
        made.append(pulls_shape.review(call.view, call.repository, found, asked))
    return answer(made, 201)


@routes.delete(f"{_REPO}/pulls/{{index}}/requested_reviewers", needs.WRITE_ANY)
def ask_no_more(call: Call) -> Response:
    """Take the question back."""
    found, wanted = _found(call), binding.read(call, forms.REVIEWERS).get("reviewers", [])
    for one in people(call, wanted):
        sql = "DELETE FROM pull_person WHERE pull_id = ? AND user_id = ? AND role = 'reviewer'"
        if call.forge.db.run(sql, found.id, one.id):
            events.asked(call.forge, call.user, found, one, "review_request_removed", call.base)
    return empty()
