"""Pull requests: opening, reading, changing, merging, reviewing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from harness.embedded.forge import access, clock
from harness.embedded.forge.access import Mode
from harness.embedded.forge.api import binding, forms, history, needs
from harness.embedded.forge.api.call import Call, answer, empty, page_headers, plain
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.errors import (
    BadRequestError,
    EmptyError,
    InvalidError,
    MissingError,
    no_account,
    not_found,
)
from harness.embedded.forge.git import history as git_history
from harness.embedded.forge.services import automatic, events, hooks, labels, merging, payloads, pulls
from harness.embedded.forge.services.merging import Wish
from harness.embedded.forge.shapes import pulls as pulls_shape
from harness.embedded.forge.store import accounts
from harness.embedded.forge.store import labels as labels_store
from harness.embedded.forge.store import pulls as store
from harness.embedded.forge.store.records import Account, Pull, Review

routes = Routes()
_REPO = "/repos/{owner}/{repo}"
_SORTS: dict[str, tuple[Callable[[Pull], Any], bool]] = {
    "oldest": (lambda one: one.id, False),
    "recentupdate": (lambda one: (one.updated, one.id), True),
    "leastupdate": (lambda one: (one.updated, one.id), False),
    "recentclose": (lambda one: (one.closed_at or 0, one.id), True),
}


def _found(call: Call) -> Pull:
    return pulls.find(call.forge, call.repository, call.number("index"))


@routes.get(f"{_REPO}/pulls", needs.READ)
def every(call: Call) -> Response:
    """A page of pull requests."""
    if call.repository.empty:
        raise not_found()
    found = [one for one in store.of_repository(call.forge.db, call.repository.id) if _wanted(call, one)]
    poster = _poster(call)
    found = [one for one in found if poster in {None, one.user_id}]
    if call.arg("sort") in _SORTS:
        key, reverse = _SORTS[call.arg("sort")]
        found.sort(key=key, reverse=reverse)
    shown = [pulls.shape(call.forge, call.view, one, listed=True) for one in call.slice(found)]
    return answer(shown, 200, page_headers(call, len(found)))


def _poster(call: Call) -> int | None:
    name = call.arg("poster")
    if not name:
        return None
    found = accounts.by_name(call.forge.db, name)
    if found is None:
        raise BadRequestError(no_account(name))
    return found.id


def _wanted(call: Call, one: Pull) -> bool:
    """Without a state every one is wanted, whatever Gitea's description says (``listPullRequestStatement``)."""
    state, base, head = (call.arg(name).strip() for name in ("state", "base_branch", "head"))
    if state in {"open", "closed"} and one.closed != (state == "closed"):
        return False
    wanted = [name for name in call.query.get("labels", []) if name.isdigit()]
    if wanted and not {int(name) for name in wanted} & set(labels_store.ids(call.forge.db, one.id)):
        return False
    if call.arg("milestone").isdigit() and int(call.arg("milestone")):
        return False
    return base in {"", one.base} and (not head or head.rpartition(":")[2] == one.head)


@routes.post(f"{_REPO}/pulls", needs.SIGNED_WRITES)
def create(call: Call) -> Response:
    """A new pull request."""
    details = binding.read(call, forms.CREATE_PULL)
    if call.repository.empty:
        raise not_found()
    if details.get("milestone", 0) > 0:
        raise not_found()  # there are none
    assigned, asked = _assignees(call, details), _reviewers(call, details.get("reviewers", []))
    made = pulls.create(call.forge, call.user, call.repository, details)
    pulls.set_persons(call.forge, made, "assignee", assigned)
    pulls.set_persons(call.forge, made, "reviewer", asked)
    labels.put(call.forge, made, labels.known(call.forge, call.repository, details.get("labels", [])))
    shape = pulls.shape(call.forge, call.view, made, before_counting=True)
    events.pull(call.forge, call.user, made, "opened", call.base)
    return answer(shape, 201)


def _assignees(call: Call, details: dict[str, Any]) -> list[Account]:
    """Who shall do it: people with write access."""
    wanted = [*details.get("assignees", []), *([details["assignee"]] if details.get("assignee") else [])]
    found = []
    for name in dict.fromkeys(wanted):
        one = accounts.by_name(call.forge.db, str(name))
        if one is None:
            raise InvalidError(f"Assignee does not exist: [name: {no_account(name)}]")
        if access.user_mode(call.forge.db, one, call.repository) < Mode.WRITE:
            words = f"user_id: {one.id}, repo_name: {call.repository.name}"
            raise InvalidError(f"user doesn't have access to repo [{words}]")
        found.append(one)
    return found


def _reviewers(call: Call, wanted: list[str]) -> list[Account]:
    found = [(name, accounts.by_name(call.forge.db, str(name))) for name in dict.fromkeys(wanted)]
    for name, one in found:
        if one is None:
            raise MissingError(f"user '{name}' not exist", errors=None)
    return [one for _, one in found if one]


@routes.get(f"{_REPO}/pulls/{{index}}", needs.READ)
def read(call: Call) -> Response:
    """One pull request, or its difference with ``.diff`` or ``.patch``."""
    number, _, kind = call.params["index"].partition(".")
    if kind in {"diff", "patch"} and number.isdigit():
        return difference(call, pulls.find(call.forge, call.repository, int(number)), kind)
    return answer(pulls.shape(call.forge, call.view, _found(call)))


def difference(call: Call, found: Pull, kind: str) -> Response:
    """What it changes, as text."""
    base = pulls.current_base(call.forge, found)
    if kind == "patch":
        return plain(git_history.patches(call.git, base, found.head_sha))
    return plain(git_history.diff(call.git, base, found.head_sha, binary=call.flag("binary", default=False)))


@routes.patch(f"{_REPO}/pulls/{{index}}", needs.SIGNED)
def edit(call: Call) -> Response:
    """Change title, text, base or state."""
    details, found = binding.read(call, forms.EDIT_PULL), _found(call)
    if found.user_id != call.user.id and call.mode < Mode.WRITE:
        raise EmptyError(403)
    writer = call.mode >= Mode.WRITE
    assigned = _assignees(call, details) if writer and {"assignees", "assignee"} & set(details) else None
    changed, actions = pulls.edit(call.forge, found, details)
    if assigned is not None:
        before = store.persons(call.forge.db, found.id, "assignee")
        pulls.set_persons(call.forge, changed, "assignee", assigned)
        events.assigned(call.forge, call.user, changed, before, call.base)
    if writer and "labels" in details:
        labels.put(call.forge, changed, labels.known(call.forge, call.repository, details["labels"]))
    events.edited(call.forge, call.user, found, changed, actions, call.base)
    return answer(pulls.shape(call.forge, call.view, changed), 201)


@routes.get(f"{_REPO}/pulls/{{index}}/files", needs.READ)
def files(call: Call) -> Response:
    """What it changes, by file."""
    found = _found(call)
    changes = pulls.changed_files(call.forge, found)
    shown = [pulls_shape.file(call.view, call.repository, found.head_sha, one) for one in call.slice(changes)]
    return answer(shown, 200, page_headers(call, len(changes), more=True))


@routes.get(f"{_REPO}/pulls/{{index}}/commits", needs.READ)
def commits(call: Call) -> Response:
    """Its commits."""
    found = pulls.commits(call.forge, _found(call))
    shown = history.show(call, list(call.slice(found)))
    return answer(shown, 200, page_headers(call, len(found), more=True))


@routes.get(f"{_REPO}/pulls/{{index}}/merge", needs.READ)
def is_merged(call: Call) -> Response:
    """Whether it was merged."""
    if not _found(call).merged:
        raise not_found()
    return empty()


@routes.post(f"{_REPO}/pulls/{{index}}/merge", needs.SIGNED_WRITES)
def merge(call: Call) -> Response:
    """Merge it, or have it merged when its checks have succeeded."""
    details, found = binding.read(call, forms.MERGE), _found(call)
    wish = Wish(
        details["do"],
        title=details.get("mergetitlefield", ""),
        message=details.get("mergemessagefield", ""),
        head=details.get("head_commit_id", ""),
        delete_branch=details.get("delete_branch_after_merge", False),
        force=details.get("force_merge", False),
        commit=details.get("mergecommitid", ""),
    )
    if details.get("merge_when_checks_succeed"):
        merging.check(call.forge, call.identity, call.repository, found, wish, later=True)
        automatic.schedule(call.forge, call.user, found, wish, call.base)
        return empty(201)
    merging.merge(call.forge, call.identity, call.repository, found.number, wish, call.base)
    return empty(200)


@routes.delete(f"{_REPO}/pulls/{{index}}/merge", needs.WRITE)
def cancel_merge(call: Call) -> Response:
    """Do not merge it when its checks have succeeded."""
    automatic.cancel(call.forge, call.user, _found(call), admin=call.mode >= Mode.ADMIN)
    return empty()


@routes.post(f"{_REPO}/pulls/{{index}}/update", needs.SIGNED_WRITES)
def update(call: Call) -> Response:
    """Bring the newest base into its branch."""
    style = "rebase" if call.arg("style") == "rebase" else "merge"
    merging.update(call.forge, call.identity, call.repository, _found(call), style, call.base)
    return empty(200)


@routes.get(f"{_REPO}/pulls/{{base}}/{{head*}}", needs.READ)
def between(call: Call) -> Response:
    """The one for two branches."""
    owner, head = pulls.resolve_head(call.forge, call.repository, call.params["head"])
    found = store.newest_between(call.forge.db, call.repository.id, call.params["base"], owner.id, head)
    if found is None:
        raise not_found()
    return answer(pulls.shape(call.forge, call.view, found))


@routes.get(f"{_REPO}/commits/{{sha}}/pull", needs.READ)
def of_commit(call: Call) -> Response:
    """The one that brought a commit."""
    for found in store.of_repository(call.forge.db, call.repository.id):
        if found.merged and call.params["sha"] == found.merge_sha:
            return answer(pulls.shape(call.forge, call.view, found))
    words = f"id: 0, issue_id: 0, head_repo_id: 0, base_repo_id: {call.repository.id}, head_branch: , base_branch: "
    raise MissingError(f"pull request does not exist [{words}]")


# Reviews


@routes.get(f"{_REPO}/pulls/{{index}}/reviews", needs.READ)
def reviews(call: Call) -> Response:
    """Its verdicts."""
    found = _found(call)
    made = store.reviews(call.forge.db, found.id)
    shown = [pulls_shape.review(call.view, call.repository, found, one) for one in call.slice(made)]
    return answer(shown, 200, page_headers(call, len(made)))


_EVENTS = {"APPROVED": "approved", "REQUEST_CHANGES": "rejected", "COMMENT": "comment", "PENDING": ""}


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
    for one in _reviewers(call, wanted):
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
    for one in _reviewers(call, wanted):
        sql = "DELETE FROM pull_person WHERE pull_id = ? AND user_id = ? AND role = 'reviewer'"
        if call.forge.db.run(sql, found.id, one.id):
            events.asked(call.forge, call.user, found, one, "review_request_removed", call.base)
    return empty()
