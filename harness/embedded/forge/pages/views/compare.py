"""Comparing two branches, and opening a pull request from that."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from starlette.responses import Response

from harness.embedded.forge.access import Mode
from harness.embedded.forge.errors import not_found
from harness.embedded.forge.git import history
from harness.embedded.forge.pages import difference, respond, trunk
from harness.embedded.forge.pages.doors import USER, Doors
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.services import events, pulls
from harness.embedded.forge.store import pulls as pulls_store

doors = Doors()
_MOST_COMMITS = 100


@doors.get("/{owner}/{repo}/pulls/new/{head:path}", USER)
def new(page: Page) -> Response:
    """Where git sends who pushed a new branch."""
    base, head = quote(page.repository.default_branch), quote(page.params["head"])
    return respond.go(page, f"/{page.repository.full_name}/compare/{base}...{head}")


@doors.get("/{owner}/{repo}/compare")
def choose(page: Page) -> Response:
    """The form that names two branches; it is its own answer."""
    base, head = page.arg("base", page.repository.default_branch), page.arg("head")
    if head:
        return respond.go(page, f"/{page.repository.full_name}/compare/{quote(base)}...{quote(head)}")
    values: dict[str, Any] = {"base": base, "head": "", "commits": [], "difference": "", "known": None, "problem": ""}
    return respond.show(page, "compare", tab="pulls", branches=trunk.branch_names(page), **values)


@doors.get("/{owner}/{repo}/compare/{spec:path}")
def compare(page: Page) -> Response:
    """What ``head`` has that ``base`` lacks."""
    base, dots, head = page.params["spec"].partition("...")
    if not dots:
        raise not_found()
    source, head_sha = _head(page, head)
    base_sha = page.git.resolve(base)
    if base_sha is None or head_sha is None:
        raise not_found()
    repository = page.repository
    known = pulls_store.open_between(page.forge.db, repository.id, base, source, head.rpartition(":")[2])
    same = source == repository.id
    values = {
        "base": base,
        "head": head,
        "commits": _commits(page, base_sha, head_sha) if same else [],
        "difference": _difference(page, base_sha, head_sha) if same else "",
        "known": known,
        "problem": "" if same else "The commits of a fork are shown once the pull request is open.",
    }
    return respond.show(page, "compare", tab="pulls", branches=trunk.branch_names(page), **values)


def _head(page: Page, head: str) -> tuple[int, str | None]:
    """The repository and commit of ``branch`` or ``owner:branch``."""
    source, branch = pulls.resolve_head(page.forge, page.repository, head)
    if page.view.mode(source) < Mode.READ:
        raise not_found()
    return source.id, page.forge.git(source.id).resolve(branch)


def _commits(page: Page, base: str, head: str) -> list[history.Commit]:
    return history.walk(page.git, [head, f"^{base}"], limit=_MOST_COMMITS)


def _difference(page: Page, base: str, head: str) -> Markup:
    start = history.merge_base(page.git, base, head) or base
    return difference.html(page, start, head, lambda: history.diff(page.git, start, head))


@doors.post("/{owner}/{repo}/compare", USER)
def create(page: Page) -> Response:
    """Open the pull request."""
    details = {
        "head": page.required("head", "The branch with the changes"),
        "base": page.required("base", "The branch to change"),
        "title": page.required("title", "A title")[:255],
        "body": page.value("body")[:65000],
    }
    source, _ = pulls.resolve_head(page.forge, page.repository, details["head"])
    if page.view.mode(source) < Mode.READ:
        raise not_found()
    made = pulls.create(page.forge, page.user, page.repository, details)
    events.pull(page.forge, page.user, made, "opened", page.base)
    return respond.done(page, "The pull request is open.", f"/{page.repository.full_name}/pulls/{made.number}")
