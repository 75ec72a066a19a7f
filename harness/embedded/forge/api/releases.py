"""Releases: tags with notes."""

from __future__ import annotations

from starlette.responses import Response

from harness.embedded.forge import clock
from harness.embedded.forge.api import binding, forms, needs
from harness.embedded.forge.api.call import Call, answer, empty, paged
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.errors import (
    ConflictError,
    EmptyError,
    no_object,
    not_found,
)
from harness.embedded.forge.git import names
from harness.embedded.forge.services import events
from harness.embedded.forge.shapes import repository as repository_shape
from harness.embedded.forge.store import repositories
from harness.embedded.forge.store.records import Release

routes = Routes()
_REPO = "/repos/{owner}/{repo}"


def _release(call: Call, found: Release | None) -> Release:
    if found is None or found.only_tag or found.repo_id != call.repository.id:
        raise not_found()
    return found


@routes.get(f"{_REPO}/releases", needs.READ)
def releases(call: Call) -> Response:
    """Tags with notes."""
    found = repositories.releases(call.forge.db, call.repository.id)
    return paged(call, [repository_shape.release(call.view, call.repository, one) for one in found])


@routes.get(f"{_REPO}/releases/latest", needs.READ)
def latest_release(call: Call) -> Response:
    """The newest that is no draft and no preview."""
    found = repositories.releases(call.forge.db, call.repository.id)
    final = [one for one in found if not one.draft and not one.prerelease]
    return answer(repository_shape.release(call.view, call.repository, _release(call, next(iter(final), None))))


@routes.get(f"{_REPO}/releases/tags/{{tag}}", needs.READ)
def release_of_tag(call: Call) -> Response:
    """The notes of a tag."""
    found = repositories.release_of_tag(call.forge.db, call.repository.id, call.params["tag"])
    return answer(repository_shape.release(call.view, call.repository, _release(call, found)))


@routes.get(f"{_REPO}/releases/{{id}}", needs.READ)
def release(call: Call) -> Response:
    """One release."""
    return answer(repository_shape.release(call.view, call.repository, _by_id(call)))


def _by_id(call: Call) -> Release:
    found = call.forge.db.one(Release, "SELECT * FROM release WHERE id = ?", call.number("id"))
    return _release(call, found)


@routes.post(f"{_REPO}/releases", needs.WRITE)
def create_release(call: Call) -> Response:
    """Notes for a tag; the tag is made when it is missing."""
    details = binding.read(call, forms.CREATE_RELEASE)
    tag, db = details["tag_name"], call.forge.db
    target = details.get("target_commitish") or call.repository.default_branch
    held = repositories.release_of_tag(db, call.repository.id, tag)
    if held and not held.only_tag:
        raise ConflictError("Release is has no Tag" if not tag else "release already exists")
    if held is None:
        _make_tag(call, tag, target)
        held = repositories.release_of_tag(db, call.repository.id, tag)
    if held is None:
        raise EmptyError(404)
    values = {"title": details.get("name", ""), "body": details.get("body", ""), "target": target}
    flags = {"draft": details.get("draft", False), "prerelease": details.get("prerelease", False)}
    db.update("release", held.id, **values, **flags, only_tag=0, author_id=call.user.id, created=clock.now())
    made = _release(call, repositories.release_of_tag(db, call.repository.id, tag))
    events.release(call.forge, call.user, call.repository, made, "published", call.base)
    return answer(repository_shape.release(call.view, call.repository, made), 201)


def _make_tag(call: Call, tag: str, target: str) -> None:
    sha = call.git.resolve(target)
    if sha is None:
        raise not_found(no_object(target))
    call.git.move(f"refs/tags/{tag}", sha, names.ZERO)
    events.pushed(call.forge, call.repository, call.user, [(f"refs/tags/{tag}", names.ZERO, sha)], call.base)


@routes.patch(f"{_REPO}/releases/{{id}}", needs.WRITE)
def edit_release(call: Call) -> Response:
    """Change the notes."""
    details, held = binding.read(call, forms.EDIT_RELEASE), _by_id(call)
    columns = {"name": "title", "body": "body", "draft": "draft", "prerelease": "prerelease"}
    call.forge.db.update("release", held.id, **{columns[key]: details[key] for key in columns if key in details})
    changed = _by_id(call)
    events.release(call.forge, call.user, call.repository, changed, "updated", call.base)
    return answer(repository_shape.release(call.view, call.repository, changed))


@routes.delete(f"{_REPO}/releases/{{id}}", needs.WRITE)
def delete_release(call: Call) -> Response:
    """Remove the notes; the tag stays."""
    held = _by_id(call)
    call.forge.db.update("release", held.id, only_tag=1, title="", body="")
    events.release(call.forge, call.user, call.repository, held, "deleted", call.base)
    return empty()
