"""Branches and tags."""

from __future__ import annotations

from starlette.responses import Response

from harness.embedded.forge.git import history
from harness.embedded.forge.pages import respond
from harness.embedded.forge.pages.doors import WRITE, Doors
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.services import branches as branch_service
from harness.embedded.forge.services import restoring
from harness.embedded.forge.store import repositories

doors = Doors()
_KEPT = {"main", "release", "snapshot", "rollback"}  # what the pipelines stand on: no button removes them


@doors.get("/{owner}/{repo}/branches")
def branches(page: Page) -> Response:
    """Every branch with its newest commit and what can be done with it."""
    found = page.git.refs("refs/heads/")
    known = history.read_many(page.git, sorted({ref.sha for ref in found}))
    rules = {rule.rule for rule in repositories.protections(page.forge.db, page.repository.id)}
    rows = [
        {
            "name": ref.name[11:],
            "commit": known[ref.sha],
            "protected": ref.name[11:] in rules,
            "default": ref.name[11:] == page.repository.default_branch,
            "restorable": restoring.is_older(page.forge, page.repository, ref.name[11:], ref.sha),
            "kept": ref.name[11:] in _KEPT or ref.name[11:] in rules,
        }
        for ref in found
    ]
    rows.sort(key=lambda row: (not row["default"], row["name"] not in _KEPT, str(row["name"])))
    return respond.show(page, "branches", tab="branches", rows=rows)


@doors.get("/{owner}/{repo}/tags")
def tags(page: Page) -> Response:
    """Every tag, newest first."""
    found = page.git.refs("refs/tags/", sort="-creatordate")
    return respond.show(page, "tags", tab="branches", tags=found)


@doors.get("/{owner}/{repo}/releases")
def releases(page: Page) -> Response:
    """Tags stand for releases here."""
    return respond.go(page, f"/{page.repository.full_name}/tags")


@doors.post("/{owner}/{repo}/branches/delete", WRITE)
def delete(page: Page) -> Response:
    """Remove a branch that nothing stands on."""
    name = page.required("name", "The branch")
    branch_service.delete(page.forge, page.identity, page.repository, name, page.base)
    return respond.done(page, f"Branch {name} is removed.", f"/{page.repository.full_name}/branches")


@doors.post("/{owner}/{repo}/branches/restore", WRITE)
def restore(page: Page) -> Response:
    """Open the pull request that brings a branch's older files forward onto ``release``."""
    name = page.required("name", "The branch")
    found = restoring.propose(page.forge, page.identity, page.repository, name, page.base)
    words = f"Accepting this brings the files of {name} back."
    return respond.done(page, words, f"/{page.repository.full_name}/pulls/{found.number}")
