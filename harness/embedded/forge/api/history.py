"""Commits, comparisons, trees, blobs, refs, tags, releases."""

from __future__ import annotations

import base64
from typing import Any

from starlette.responses import Response

from harness.embedded.forge import clock
from harness.embedded.forge.access import Mode
from harness.embedded.forge.api import binding, forms, needs
from harness.embedded.forge.api.call import Call, answer, empty, page_headers, paged, plain
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.errors import (
    BadRequestError,
    ConflictError,
    EmptyError,
    InternalError,
    InvalidError,
    MissingError,
    no_object,
    not_found,
)
from harness.embedded.forge.git import history, names, trees
from harness.embedded.forge.git.history import Commit
from harness.embedded.forge.git.repository import Ref
from harness.embedded.forge.services import events, pulls
from harness.embedded.forge.services.repositories import signature
from harness.embedded.forge.shapes import commits
from harness.embedded.forge.shapes import repository as repository_shape
from harness.embedded.forge.store import repositories
from harness.embedded.forge.store.records import Release, Repository

routes = Routes()
_REPO = "/repos/{owner}/{repo}"


def show(call: Call, found: list[Commit]) -> list[dict[str, Any]]:
    """Commits as JSON, with files and numbers unless the query says otherwise."""
    with_stat, with_files = call.flag("stat"), call.flag("files")
    changed = history.changes(call.git, [one.sha for one in found]) if with_stat or with_files else {}
    shown = [commits.commit(call.view, call.repository, one, changed.get(one.sha), stat=with_stat) for one in found]
    if not with_files:
        for one in shown:
            one["files"] = None
    return shown


@routes.get(f"{_REPO}/commits", needs.READ)
def every(call: Call) -> Response:
    """A page of history."""
    if call.repository.empty:
        raise ConflictError("Git Repository is empty.")
    git, rev = call.git, call.arg("sha")
    sha = git.resolve(rev) if rev else git.branch(call.repository.default_branch)
    if sha is None:
        return answer(None, 404)
    excluded = [f"^{one}" for rev in call.query.get("not", []) if (one := git.resolve(rev))]
    options = [f"--{name}={call.arg(name)}" for name in ("since", "until") if _is_time(call.arg(name))]
    revs, path = [sha, *excluded], call.arg("path")
    total = history.count(git, revs, path=path, options=options)
    if path and not total:
        raise not_found()
    found = history.walk(git, revs, limit=call.limit, skip=call.start, path=path, options=options)
    return answer(show(call, found), 200, page_headers(call, total, more=True))


def _is_time(value: str) -> bool:
    return bool(value) and all(letter in "0123456789-+:TZtz. " for letter in value)


@routes.get(f"{_REPO}/git/commits/{{sha*}}", needs.READ)
def read(call: Call) -> Response:
    """One commit, or its difference with ``.diff`` or ``.patch``."""
    rev = call.params["sha"]
    for kind in ("diff", "patch"):
        if rev.endswith(f".{kind}"):
            sha = _commit(call, rev.removesuffix(f".{kind}"))
            return plain(history.show(call.git, sha, kind))
    return answer(show(call, [history.read(call.git, _commit(call, rev))])[0])


def _commit(call: Call, rev: str) -> str:
    if not (names.is_ref_name(rev) or names.is_sha(rev)):
        raise InvalidError(f"no valid ref or sha: {rev}")
    sha = call.git.resolve(rev)
    if sha is None:
        raise MissingError(f"commit doesn't exist: {rev}", errors=None)
    return sha


@routes.get(f"{_REPO}/compare/{{basehead*}}", needs.READ)
def compare(call: Call) -> Response:
    """What the second of two revisions has more."""
    base, head = _sides(call)
    git, source = call.git, call.forge.git(head[0].id)
    old, new = git.resolve(base), source.resolve(head[1])
    if old is None or new is None:
        raise not_found()
    if head[0].id != call.repository.id:
        git.run("fetch", "-q", "--no-write-fetch-head", str(source.path), new)
    shown = show(call, history.walk(git, [new, f"^{old}"]))
    return answer({"total_commits": len(shown), "commits": shown})


def _sides(call: Call) -> tuple[str, tuple[Repository, str]]:
    """What is compared: two revisions, or one with the default branch; the second may be of a fork."""
    text, default = call.params["basehead"], call.repository.default_branch
    dots = "..." if "..." in text else ".."
    base, _, head = text.partition(dots) if dots in text else (default, "", text)
    repository, rev = pulls.resolve_head(call.forge, call.repository, head or default)
    if call.view.mode(repository) < Mode.READ:
        raise not_found()
    return base or default, (repository, rev)


@routes.get(f"{_REPO}/git/refs", needs.READ)
@routes.get(f"{_REPO}/git/refs/{{ref*}}", needs.READ)
def refs(call: Call) -> Response:
    """Refs below a prefix, or one."""
    wanted = call.params.get("ref", "").strip("/")
    if wanted and not names.is_ref_name(f"refs/{wanted}"):
        raise not_found()
    found = call.git.refs(*([f"refs/{wanted}"] if wanted else []))
    if not found:
        raise not_found()
    return answer([repository_shape.reference(call.view, call.repository, ref) for ref in found])


@routes.get(f"{_REPO}/git/trees/{{sha*}}", needs.READ)
def tree(call: Call) -> Response:
    """A tree, page by page."""
    sha = _tree(call, call.params["sha"])
    if sha is None:
        raise BadRequestError(f"sha not found [{call.params['sha']}]")
    found = trees.entries(call.git, sha, recursive=call.flag("recursive", default=False))
    size = call.arg("per_page") or call.arg("limit")
    limit = min(int(size), 1000) if size.isdecimal() and int(size) > 0 else 1000
    start = (call.page - 1) * limit
    shown = [_tree_entry(call, one) for one in found[start : start + limit]]
    return answer(
        {
            "sha": sha,
            "url": call.view.api(call.repository, "git/trees", sha),
            "tree": shown,
            "truncated": len(found) > start + limit,
            "page": call.page,
            "total_count": len(found),
        }
    )


def _tree(call: Call, rev: str) -> str | None:
    """What names the tree in the answer: the commit that was asked for, or the tree itself."""
    commit = call.git.resolve(rev)
    if commit:
        return commit
    entry = call.git.check([f"{rev}^{{tree}}"])[0] if names.is_full_sha(rev) else None
    return entry[0] if entry else None


def _tree_entry(call: Call, one: trees.Entry) -> dict[str, Any]:
    kind = {"blob": "git/blobs", "tree": "git/trees"}.get(one.kind)
    return {
        "path": one.path,
        "mode": one.mode,
        "type": one.kind,
        "size": max(one.size, 0),
        "sha": one.sha,
        "url": call.view.api(call.repository, kind, one.sha) if kind else "",
    }


@routes.get(f"{_REPO}/git/blobs/{{sha}}", needs.READ)
def blob(call: Call) -> Response:
    """A blob."""
    sha = call.params["sha"]
    found = call.git.check([sha])[0] if names.is_full_sha(sha) else None
    if found is None or found[1] != "blob":
        raise BadRequestError(no_object(sha))
    content = base64.b64encode(call.git.blob(sha)).decode()
    url = call.view.api(call.repository, "git/blobs", sha)
    return answer({"encoding": "base64", "content": content, "url": url, "sha": sha, "size": found[2]})


# Tags


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


# Releases


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
