"""What git itself keeps: refs, trees, blobs."""

from __future__ import annotations

import base64
from typing import Any

from starlette.responses import Response

from harness.embedded.forge.api import needs
from harness.embedded.forge.api.call import Call, answer
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.errors import (
    BadRequestError,
    no_object,
    not_found,
)
from harness.embedded.forge.git import names, trees
from harness.embedded.forge.shapes import repository as repository_shape

routes = Routes()
_REPO = "/repos/{owner}/{repo}"


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
