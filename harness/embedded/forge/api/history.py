"""Commits, one after the other or by name, and what one of two has more."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from harness.embedded.forge.access import Mode
from harness.embedded.forge.api import needs
from harness.embedded.forge.api.call import Call, answer, page_headers, plain
from harness.embedded.forge.api.routing import Routes
from harness.embedded.forge.errors import (
    ConflictError,
    InvalidError,
    MissingError,
    not_found,
)
from harness.embedded.forge.git import history, names
from harness.embedded.forge.git.history import Commit
from harness.embedded.forge.services import pulls
from harness.embedded.forge.shapes import commits
from harness.embedded.forge.store.records import Repository

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
