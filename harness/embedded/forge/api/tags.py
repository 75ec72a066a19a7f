"""Tags, with and without a message of their own."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from harness.embedded.forge import clock
from harness.embedded.forge.api import binding, forms, needs
from harness.embedded.forge.api.call import Call, answer, empty, paged
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.errors import (
    ConflictError,
    InternalError,
    MissingError,
    no_object,
)
from harness.embedded.forge.git import history, names
from harness.embedded.forge.git.history import Commit
from harness.embedded.forge.git.repository import Ref
from harness.embedded.forge.services import events
from harness.embedded.forge.services.repositories import signature
from harness.embedded.forge.shapes import commits
from harness.embedded.forge.shapes import repository as repository_shape
from harness.embedded.forge.store import repositories

routes = Routes()
_REPO = "/repos/{owner}/{repo}"


def _tag(call: Call, ref: Ref, found: dict[str, Commit], texts: dict[str, str]) -> dict[str, Any]:
    commit = found[call.git.resolve(ref.name) or ""]
    message = texts.get(ref.sha, commit.message)
    return repository_shape.tag(call.view, call.repository, ref, commit, message)


def _tags(call: Call, refs: list[Ref]) -> list[dict[str, Any]]:
    shas = [sha for ref in refs if (sha := call.git.resolve(ref.name))]
    texts = {ref.sha: call.git.text("for-each-ref", "--format=%(contents)", ref.name) for ref in refs if _is_tag(ref)}
    found = history.read_many(call.git, shas)
    return [_tag(call, ref, found, texts) for ref in refs]


def _is_tag(ref: Ref) -> bool:
    return ref.kind == "tag"


@routes.get(f"{_REPO}/tags", needs.READ)
def tags(call: Call) -> Response:
    """Tags, newest first."""
    found = call.git.refs("refs/tags/", sort="-creatordate")
    return paged(call, _tags(call, list(call.slice(found))), len(found))


def _one_tag(call: Call, name: str) -> Ref:
    for ref in call.git.refs("refs/tags/"):
        if ref.name == f"refs/tags/{name}":
            return ref
    raise MissingError(f"tag doesn't exist: {name}", errors=None)


@routes.get(f"{_REPO}/tags/{{tag*}}", needs.READ)
def tag(call: Call) -> Response:
    """One tag."""
    return answer(_tags(call, [_one_tag(call, call.params["tag"])])[0])


@routes.get(f"{_REPO}/git/tags/{{sha}}", needs.READ)
def annotated_tag(call: Call) -> Response:
    """The object of an annotated tag."""
    for ref in call.git.refs("refs/tags/"):
        if ref.sha == call.params["sha"] and _is_tag(ref):
            return answer(_annotated(call, ref))
    raise MissingError("GetTag: object does not exist", status=400)


def _annotated(call: Call, ref: Ref) -> dict[str, Any]:
    form = "--format=%(contents)%00%(taggername)%00%(taggeremail:trim)%00%(taggerdate:iso-strict)%00%(*objectname)"
    message, name, email, date, sha = call.git.text("for-each-ref", form, ref.name).split("\0")
    return {
        "tag": ref.name.removeprefix("refs/tags/"),
        "sha": ref.sha,
        "url": call.view.api(call.repository, "git/tags", ref.sha),
        "message": message.strip(),
        "tagger": {"name": name, "email": email, "date": date},
        "object": {"type": "commit", "url": call.view.api(call.repository, "git/commits", sha), "sha": sha},
        "verification": commits.unverified(),
    }


@routes.post(f"{_REPO}/tags", needs.WRITE)
def create_tag(call: Call) -> Response:
    """A new tag, annotated when there is a message."""
    details, git = binding.read(call, forms.CREATE_TAG), call.git
    name = details["tag_name"]
    if not names.is_ref_name(name):
        raise InternalError(f"release tag name is not valid [tag_name: {name}]")
    wanted = details.get("target") or call.repository.default_branch
    target = git.resolve(wanted)
    if target is None:
        raise MissingError(f"target not found: {no_object(wanted)}")
    if git.check([f"refs/tags/{name}"])[0]:
        raise ConflictError(f"tag already exists [name: {name}]")
    sha = _tag_object(call, name, target, details["message"]) if details.get("message") else target
    git.move(f"refs/tags/{name}", sha, names.ZERO)
    events.pushed(call.forge, call.repository, call.user, [(f"refs/tags/{name}", names.ZERO, sha)], call.base)
    return answer(_tags(call, [_one_tag(call, name)])[0], 201)


def _tag_object(call: Call, name: str, target: str, message: str) -> str:
    who = signature(call.user)
    head = f"object {target}\ntype commit\ntag {name}\ntagger {who.name} <{who.email}> {clock.now()} +0000\n\n"
    return call.git.run("mktag", stdin=f"{head}{message}\n".encode()).text.strip()


@routes.delete(f"{_REPO}/tags/{{tag*}}", needs.WRITE)
def delete_tag(call: Call) -> Response:
    """Remove a tag that no release uses."""
    ref = _one_tag(call, call.params["tag"])
    name = call.params["tag"]
    held = repositories.release_of_tag(call.forge.db, call.repository.id, name)
    if held and not held.only_tag:
        raise ConflictError("a tag attached to a release cannot be deleted directly")
    call.git.remove(ref.name, ref.sha)
    events.pushed(call.forge, call.repository, call.user, [(ref.name, ref.sha, names.ZERO)], call.base)
    return empty()
