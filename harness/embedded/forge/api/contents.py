"""Files: reading, writing, raw, archives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from harness.embedded.forge.api import binding, forms, needs
from harness.embedded.forge.api.binding import Form
from harness.embedded.forge.api.call import Call, answer
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.errors import InvalidError, not_found
from harness.embedded.forge.git import trees
from harness.embedded.forge.services import contents, repositories
from harness.embedded.forge.services.contents import Change, Operation

routes = Routes()
_REPO = "/repos/{owner}/{repo}"
_ARCHIVES = {".zip": "zip", ".tar.gz": "tar.gz"}


@routes.get(f"{_REPO}/contents", needs.READ)
def root(call: Call) -> Response:
    """What the root holds."""
    return answer(contents.read(call.forge, call.view, call.repository, "", call.arg("ref")))


@routes.get(f"{_REPO}/contents/{{path*}}", needs.READ)
def read(call: Call) -> Response:
    """A file, or what a directory holds."""
    return answer(contents.read(call.forge, call.view, call.repository, call.params["path"], call.arg("ref")))


def _change(details: Mapping[str, Any], operations: tuple[Operation, ...]) -> Change:
    dates = details.get("dates") or {}
    return Change(
        operations,
        message=details.get("message", ""),
        branch=details.get("branch", ""),
        new_branch=details.get("new_branch", ""),
        author=contents.who(details.get("author"), dates, "author"),
        committer=contents.who(details.get("committer"), dates, "committer"),
        signoff=details.get("signoff", False),
    )


def _commit(call: Call, form: Form, what: str) -> tuple[dict[str, Any], str]:
    details, path = binding.read(call, form), call.params["path"]
    one = Operation(what, path, details.get("content"), details.get("sha", ""), details.get("from_path", ""))
    if what == "upsert":
        one = Operation(_known(details), *(one.path, one.content, one.sha, one.from_path))
    change = _change(details, (one,))
    sha = contents.commit(call.forge, call.identity, call.repository, change, call.base)
    branch = change.new_branch or change.branch or call.repository.default_branch
    return contents.answer(call.forge, call.view, call.repository, sha, [path], branch), one.what


def _known(details: Mapping[str, Any]) -> str:
    """Without a ``sha`` a file is made, which must not be there, as in Gitea since 1.26."""
    return "update" if details.get("sha") or details.get("from_path") else "create"


def _one_file(made: dict[str, Any]) -> dict[str, Any]:
    files = made.pop("files")
    return {"content": files[0] if files else None, **made}


@routes.post(f"{_REPO}/contents/{{path*}}", needs.WRITE)
def create(call: Call) -> Response:
    """A new file."""
    made, _ = _commit(call, forms.CREATE_FILE, "create")
    return answer(_one_file(made), 201)


@routes.put(f"{_REPO}/contents/{{path*}}", needs.WRITE)
def update(call: Call) -> Response:
    """Another content for a file."""
    made, what = _commit(call, forms.UPDATE_FILE, "upsert")
    return answer(_one_file(made), 201 if what == "create" else 200)


@routes.delete(f"{_REPO}/contents/{{path*}}", needs.WRITE)
def delete(call: Call) -> Response:
    """Remove a file."""
    made, _ = _commit(call, forms.DELETE_FILE, "delete")
    return answer(_one_file(made | {"files": []}))


@routes.post(f"{_REPO}/contents", needs.WRITE)
def change_many(call: Call) -> Response:
    """Several files in one commit."""
    details = binding.read(call, forms.CHANGE_FILES)
    operations = tuple(_operation(one) for one in details["files"])
    change = _change(details, operations)
    sha = contents.commit(call.forge, call.identity, call.repository, change, call.base)
    branch = change.new_branch or change.branch or call.repository.default_branch
    shown = contents.answer(call.forge, call.view, call.repository, sha, [one.path for one in operations], branch)
    by_path = {file["path"]: file for file in shown["files"]}
    files = [by_path.get(one.path.strip("/")) for one in operations]
    return answer({**shown, "files": files}, 201)


def _operation(given: Any) -> Operation:
    what = given.get("operation") if isinstance(given, dict) else None
    if what not in {"create", "update", "upload", "rename", "delete"}:
        raise InvalidError("[Operation]: In" if what else "[Operation]: Required")
    if not given.get("path"):
        raise InvalidError("[Path]: Required")
    content = given.get("content") if what != "rename" else given.get("content") or None
    return Operation(what, given["path"], content, given.get("sha") or "", given.get("from_path") or "")


def raw_headers(path: str) -> dict[str, str]:
    """What a raw file is sent with: shown, never run."""
    name = path.rsplit("/", 1)[-1]
    return {
        "content-disposition": f"inline; filename=\"{_ascii(name)}\"; filename*=UTF-8''{quote(name)}",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    }


def _ascii(name: str) -> str:
    return "".join(letter if " " <= letter <= "~" and letter not in '"\\' else "_" for letter in name)


def raw_file(data: bytes, path: str) -> Response:
    """The bytes of a file: text as text, anything else as bytes."""
    is_text = b"\0" not in data[:8000]
    kind = "text/plain; charset=utf-8" if is_text else "application/octet-stream"
    return Response(data, 200, {"content-type": kind, **raw_headers(path)})


@routes.get(f"{_REPO}/raw/{{path*}}", needs.READ)
@routes.get(f"{_REPO}/media/{{path*}}", needs.READ)
def raw(call: Call) -> Response:
    """The bytes of a file."""
    if call.repository.empty:
        raise not_found()
    path = call.params["path"].strip("/")
    where = contents.place(call.forge, call.repository, call.arg("ref"))
    found = trees.find(call.git, where.sha, path)
    if found is None or found.kind != "blob":
        raise not_found()
    return raw_file(call.git.blob(found.sha), path)


@routes.get(f"{_REPO}/archive/{{archive*}}", needs.READ)
def archive(call: Call) -> Response:
    """A commit's files as zip or tar.gz."""
    return make_archive(call, call.params["archive"])


def make_archive(call: Call, name: str) -> Response:
    """The archive that ``name``, a revision with an ending, asks for."""
    ending = next((ending for ending in _ARCHIVES if name.endswith(ending)), None)
    if ending is None:
        raise not_found(f"unknown archive format [name: {name}]")
    rev = name.removesuffix(ending)
    where = contents.place(call.forge, call.repository, rev)
    repository = call.repository
    data = repositories.archive(call.forge, repository, where.sha, _ARCHIVES[ending], repository.lower_name)
    file = f"{repository.name}-{rev.replace('/', '-')}{ending}"
    api = f"{call.view.api(repository)}/archive/{where.sha}{ending}?rev={where.sha}"
    headers = {
        "content-type": "application/octet-stream",
        "link": f'<{api}>; rel="immutable"',
        "content-disposition": f"attachment; filename=\"{_ascii(file)}\"; filename*=UTF-8''{quote(file)}",
        "x-content-type-options": "nosniff",
    }
    return Response(data, 200, headers)
