"""Repositories: reading, searching, changing, forking, who works on them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from harness.embedded.forge import access
from harness.embedded.forge.access import Mode
from harness.embedded.forge.api import binding, forms, needs
from harness.embedded.forge.api.call import Call, answer, empty, page_headers, paged
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.errors import ForbiddenError, InvalidError, MissingError, not_found
from harness.embedded.forge.services import repositories, users
from harness.embedded.forge.shapes import people
from harness.embedded.forge.shapes import repository as repository_shape
from harness.embedded.forge.store import accounts
from harness.embedded.forge.store import repositories as repositories_store
from harness.embedded.forge.store.records import Account, Repository

routes = Routes()
_TOPIC = re.compile(r"[a-z0-9][-.a-z0-9]{0,34}")
_SORTS: dict[str, Callable[[Repository], Any]] = {
    "alpha": lambda one: one.lower_name,
    "created": lambda one: one.id,
    "updated": lambda one: (one.updated, one.id),
    "size": lambda one: one.size,
    "id": lambda one: one.id,
    "forks": lambda one: one.forks,
    "stars": lambda one: one.id,
}


@routes.get("/repos/search", needs.PUBLIC)
def search(call: Call) -> Response:
    """Repositories by words, owner and kind."""
    if call.arg("sort") and call.arg("sort") not in _SORTS:
        raise InvalidError(f'Invalid sort order: "{call.arg("sort")}"')
    if call.arg("mode") not in {"", "fork", "source", "mirror", "collaborative"}:
        raise InvalidError(f'Invalid search mode: "{call.arg("mode")}"')
    every = repositories.readable(call.forge, call.identity, repositories_store.every(call.forge.db))
    found = [one for one in every if _matches(call, one)]
    found.sort(key=_SORTS[call.arg("sort") or "alpha"], reverse=call.arg("order") == "desc")
    shown = [repository_shape.repository(call.view, one) for one in call.slice(found)]
    return answer({"ok": True, "data": shown}, 200, page_headers(call, len(found)))


def _matches(call: Call, one: Repository) -> bool:
    words, uid, kind = call.arg("q").lower(), call.arg("uid"), call.arg("mode")
    text = one.full_name.lower() if "/" in words else one.lower_name
    if call.flag("includeDesc", default=False):
        text += f" {one.description.lower()}"
    if call.flag("topic", default=False):
        text = " ".join(json.loads(one.topics))
    checks = [
        words in text,
        not uid.isdigit() or int(uid) in {0, one.owner_id},
        kind not in {"fork", "source"} or (one.fork_of is not None) == (kind == "fork"),
        kind != "mirror",
        not call.arg("archived") or one.archived == call.flag("archived"),
        not call.arg("is_private") or one.private == call.flag("is_private"),
        not call.arg("template") or one.template == call.flag("template"),
    ]
    return all(checks)


@routes.get("/repos/{owner}/{repo}", needs.READ)
def read(call: Call) -> Response:
    """One repository."""
    return answer(repository_shape.repository(call.view, call.repository))


@routes.get("/repositories/{id}", needs.PUBLIC)
def read_by_id(call: Call) -> Response:
    """One repository by its number."""
    found = repositories_store.by_id(call.forge.db, call.number("id"))
    if found is None or call.view.mode(found) < Mode.READ:
        raise not_found()
    return answer(repository_shape.repository(call.view, found))


@routes.patch("/repos/{owner}/{repo}", needs.ADMINISTER)
def edit(call: Call) -> Response:
    """Change a repository."""
    details = binding.read(call, forms.EDIT_REPO)
    changed = repositories.edit(call.forge, call.repository, details)
    return answer(repository_shape.repository(call.view, changed))


@routes.delete("/repos/{owner}/{repo}", needs.OWN)
def delete(call: Call) -> Response:
    """Remove a repository."""
    repositories.delete(call.forge, call.user, call.repository, call.base)
    return empty()


@routes.post("/repos/{owner}/{repo}/transfer", needs.OWN)
def transfer(call: Call) -> Response:
    """Give a repository to another account."""
    name = binding.read(call, forms.TRANSFER)["new_owner"]
    owner = accounts.by_name(call.forge.db, name)
    if owner is None:
        raise MissingError("The new owner does not exist or cannot be found")
    moved = repositories.transfer(call.forge, call.repository, owner)
    return answer(repository_shape.repository(call.view, moved), 202)


@routes.get("/repos/{owner}/{repo}/topics", needs.READ)
def topics(call: Call) -> Response:
    """Its topics."""
    found = json.loads(call.repository.topics)
    return answer({"topics": list(call.slice(found))}, 200, page_headers(call, len(found)))


@routes.put("/repos/{owner}/{repo}/topics", needs.ADMINISTER)
def set_topics(call: Call) -> Response:
    """Set its topics."""
    wanted = binding.read(call, forms.TOPICS).get("topics", [])
    clean = sorted({str(topic).strip().lower() for topic in wanted if str(topic).strip()})
    wrong = [topic for topic in clean if not _TOPIC.fullmatch(topic)]
    if wrong:
        body = {"invalidTopics": wrong, "message": "Topic names are invalid"}
        return answer(body, 422)
    call.forge.db.update("repository", call.repository.id, topics=json.dumps(clean))
    return empty()


def _set_topic(call: Call, *, on: bool) -> Response:
    topic = call.params["topic"].strip().lower()
    if not _TOPIC.fullmatch(topic):
        raise InvalidError("Topic name is invalid")
    held = set(json.loads(call.repository.topics))
    if not on and topic not in held:
        raise not_found()
    kept = sorted(held | {topic} if on else held - {topic})
    call.forge.db.update("repository", call.repository.id, topics=json.dumps(kept))
    return empty()


@routes.put("/repos/{owner}/{repo}/topics/{topic}", needs.ADMINISTER)
def add_topic(call: Call) -> Response:
    """Give it one more."""
    return _set_topic(call, on=True)


@routes.delete("/repos/{owner}/{repo}/topics/{topic}", needs.ADMINISTER)
def remove_topic(call: Call) -> Response:
    """Take one from it."""
    return _set_topic(call, on=False)


@routes.get("/repos/{owner}/{repo}/teams", needs.SIGNED)
def teams(call: Call) -> Response:
    """The teams that work on it."""
    db, repository = call.forge.db, call.repository
    linked = set(db.column("SELECT team_id FROM team_repository WHERE repo_id = ?", repository.id))
    found = [one for one in accounts.teams(db, repository.owner_id) if one.every_repository or one.id in linked]
    return answer([people.team(call.view, one, None) for one in found])


@routes.get("/repos/{owner}/{repo}/languages", needs.READ)
def languages(_call: Call) -> Response:
    """Languages are not counted here."""
    return answer({})


@routes.get("/repos/{owner}/{repo}/forks", needs.READ)
def forks(call: Call) -> Response:
    """What was forked from it."""
    found = repositories_store.forks(call.forge.db, call.repository.id)
    seen = repositories.readable(call.forge, call.identity, found)
    return paged(call, [repository_shape.repository(call.view, one) for one in seen])


@routes.post("/repos/{owner}/{repo}/forks", needs.SIGNED)
def fork(call: Call) -> Response:
    """Fork it to the asker or to an organisation."""
    details = binding.read(call, forms.FORK)
    owner = _fork_owner(call, details.get("organization"))
    name = details.get("name") or call.repository.name
    made = repositories.fork(call.forge, call.user, call.repository, owner, name, call.base)
    shape = repository_shape.repository(call.view, made)
    return answer({**shape, "size": 0, "watchers_count": 0}, 202)


def _fork_owner(call: Call, name: str | None) -> Account:
    if not name:
        return call.user
    found = accounts.by_name(call.forge.db, name)
    if found is None or not found.organisation:
        raise InvalidError(f"org does not exist [id: 0, name: {name}]")
    if not access.is_member(call.forge.db, call.user, found):
        raise ForbiddenError(f"User is no Member of Organisation '{found.name}'")
    if not access.may_create_in(call.forge.db, call.user, found):
        raise ForbiddenError(f"User '{call.user.name}' is not allowed to create repository in organization")
    return found


# Who works on it


@routes.get("/repos/{owner}/{repo}/collaborators", needs.SIGNED)
def collaborators(call: Call) -> Response:
    """Everybody who was let in."""
    keys = call.forge.db.column("SELECT user_id FROM collaborator WHERE repo_id = ?", call.repository.id)
    return paged(call, [people.user(call.view, accounts.by_id(call.forge.db, key)) for key in keys])


@routes.get("/repos/{owner}/{repo}/collaborators/{username}", needs.SIGNED)
def is_collaborator(call: Call) -> Response:
    """Whether somebody was let in."""
    found = users.find(call.forge, call.params["username"])
    if repositories_store.permission(call.forge.db, call.repository.id, found.id) is None:
        raise not_found()
    return empty()


@routes.get("/repos/{owner}/{repo}/collaborators/{username}/permission", needs.SIGNED)
def collaborator_permission(call: Call) -> Response:
    """What somebody may do."""
    found = users.find(call.forge, call.params["username"])
    if call.user.id != found.id and call.mode < Mode.ADMIN:
        raise ForbiddenError("Only admins can query all permissions, repo admins can query all repo permissions")
    mode = access.user_mode(call.forge.db, found, call.repository)
    word = mode.name.lower()
    shown = people.user(call.view, found)
    return answer({"permission": word, "role_name": word, "user": shown})


@routes.put("/repos/{owner}/{repo}/collaborators/{username}", needs.ADMINISTER)
def add_collaborator(call: Call) -> Response:
    """Let somebody in."""
    permission = binding.read(call, forms.COLLABORATOR).get("permission") or "write"
    found = accounts.by_name(call.forge.db, call.params["username"])
    if found is None:
        raise InvalidError(f"user does not exist [uid: 0, name: {call.params['username']}]")
    sql = "INSERT OR REPLACE INTO collaborator VALUES (?, ?, ?)"
    call.forge.db.run(sql, call.repository.id, found.id, permission)
    return empty()


@routes.delete("/repos/{owner}/{repo}/collaborators/{username}", needs.ADMINISTER)
def remove_collaborator(call: Call) -> Response:
    """Let somebody in no more."""
    found = users.find(call.forge, call.params["username"])
    sql = "DELETE FROM collaborator WHERE repo_id = ? AND user_id = ?"
    call.forge.db.run(sql, call.repository.id, found.id)
    return empty()


@routes.get("/repos/{owner}/{repo}/assignees", needs.SIGNED)
@routes.get("/repos/{owner}/{repo}/reviewers", needs.SIGNED)
def assignees(call: Call) -> Response:
    """Who could be asked: owners and everybody with write access."""
    able = [
        one
        for one in accounts.people(call.forge.db)
        if not one.admin or one.id == call.repository.owner_id or _is_in(call, one)
        if access.user_mode(call.forge.db, one, call.repository) >= Mode.WRITE
    ]
    return answer([people.user(call.view, one) for one in able])


def _is_in(call: Call, one: Account) -> bool:
    return bool(accounts.teams_of(call.forge.db, call.repository.owner_id, one.id))
