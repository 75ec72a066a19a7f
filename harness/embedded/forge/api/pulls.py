"""Pull requests: opening, reading, changing, merging."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from harness.embedded.forge import access
from harness.embedded.forge.access import Mode
from harness.embedded.forge.api import binding, forms, history, needs, reviews
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
from harness.embedded.forge.services import automatic, events, labels, merging, pulls
from harness.embedded.forge.services.merging import Wish
from harness.embedded.forge.shapes import pulls as pulls_shape
from harness.embedded.forge.store import accounts
from harness.embedded.forge.store import labels as labels_store
from harness.embedded.forge.store import pulls as store
from harness.embedded.forge.store.records import Account, Pull

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
    assigned, asked = _assignees(call, details), reviews.people(call, details.get("reviewers", []))
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
