"""Pull requests: the list, and one with its plan, checks, difference and the *Merge* button."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from harness.embedded.forge import access
from harness.embedded.forge.access import Mode
from harness.embedded.forge.api import pulls as pulls_api
from harness.embedded.forge.errors import not_found
from harness.embedded.forge.git import history
from harness.embedded.forge.pages import difference, respond
from harness.embedded.forge.pages.doors import Doors
from harness.embedded.forge.pages.page import Page
from harness.embedded.forge.pages.views import files as files_view
from harness.embedded.forge.pages.views import shared
from harness.embedded.forge.services import pulls, rules
from harness.embedded.forge.shapes.pulls import PullFacts
from harness.embedded.forge.store import accounts, browsing, repositories
from harness.embedded.forge.store import pulls as store
from harness.embedded.forge.store.records import Comment, Pull, Status

doors = Doors()
_ONE = "/{owner}/{repo}/pulls/{number}"
_MARKS = {"Result": "<!-- gitops:deploy -->", "Plan": "<!-- gitops:plan -->"}
"""What pipelines say under a title of its own; the newest comment that begins with the mark."""


@dataclass(frozen=True, slots=True)
class Merging:
    """Whether it can be accepted now, and what stands against it. ``level``: ready, waits, blocked, over."""

    level: str
    words: str
    may: bool


@doors.get("/{owner}/{repo}/pulls")
def every(page: Page) -> Response:
    """Open or closed ones of a repository."""
    keys, closed = [page.repository.id], page.arg("state") == "closed"
    found = browsing.pulls(page.forge.db, keys, closed=closed, limit=shared.PER_PAGE, skip=shared.skip(page))
    counts = {state: browsing.count_pulls(page.forge.db, keys, closed=state) for state in (False, True)}
    values = {"checks": shared.checks_of(page, [one.head_sha for one in found]), "counts": counts, "closed": closed}
    return respond.show(page, "pulls", tab="pulls", pulls=found, pager=shared.pager(page, counts[closed]), **values)


@doors.get(_ONE)
def conversation(page: Page) -> Response:
    """Description, plan, checks, what was said, and the button; ``.diff`` and ``.patch`` give it as text."""
    number, dot, kind = page.params["number"].partition(".")
    if dot:
        return _as_text(page, number, kind)
    found, facts = _found(page)
    said = store.comments(page.forge.db, found.id)
    values = {**_common(page, found, facts), **_talk(page, found, facts, said)}
    return respond.show(page, "pull", part="conversation", **values)


def _told(page: Page, said: list[Comment]) -> dict[str, Comment]:
    """What pipelines say, by title."""
    found = {}
    for title, mark in _MARKS.items():
        newest = next((one for one in reversed(said) if _is_told(page, one, mark)), None)
        if newest is not None:
            found[title] = newest
    return found


def _is_told(page: Page, said: Comment, mark: str) -> bool:
    """Anybody can write the mark; a pipeline is somebody who may write the repository, or one of its jobs."""
    if not said.body.lstrip().startswith(mark):
        return False
    if said.user_id == accounts.SYSTEM_ID:
        return True
    author = accounts.by_id(page.forge.db, said.user_id)
    return access.user_mode(page.forge.db, author, page.repository) >= Mode.WRITE


def _as_text(page: Page, number: str, kind: str) -> Response:
    if kind not in {"diff", "patch"} or not number.isdecimal():
        raise not_found()
    found = pulls.find(page.forge, page.repository, int(number))
    return respond.harmless(pulls_api.difference(files_view.as_call(page), found, kind))


def _found(page: Page) -> tuple[Pull, PullFacts]:
    found = pulls.find(page.forge, page.repository, page.number("number"))
    return found, pulls.facts(page.forge, found)


def _common(page: Page, found: Pull, facts: PullFacts) -> dict[str, Any]:
    """What every part of the page shows."""
    keys = [found.user_id, *([found.merged_by] if found.merged_by else [])]
    head = repositories.by_id(page.forge.db, found.head_repo_id)
    return {
        "tab": "pulls",
        "pull": found,
        "facts": facts,
        "people": browsing.accounts_by_id(page.forge.db, keys),
        "head_repository": head,
        "is_fork": head is not None and head.id != page.repository.id,
        "commits": _commits(page, found),
    }


def _commits(page: Page, found: Pull) -> list[history.Commit]:
    key = ("pull-commits", found.repo_id, pulls_key(page, found), found.head_sha)
    return page.desk.lists.value(key, lambda: pulls.commits(page.forge, found))


def pulls_key(page: Page, found: Pull) -> str:
    """What the difference is taken from: a closed one keeps its base, an open one follows the branch."""
    if found.closed:
        return found.merge_base
    return page.tip(found.base) or found.merge_base


def _talk(page: Page, found: Pull, facts: PullFacts, said: list[Comment]) -> dict[str, Any]:
    told = _told(page, said)
    apart = {one.id for one in told.values()}
    checks = shared.checks(_statuses(page, found))
    authors = browsing.accounts_by_id(page.forge.db, [one.user_id for one in said])
    own = page.session is not None and page.user.id == found.user_id
    return {
        "told": told,
        "comments": [one for one in said if one.id not in apart],
        "authors": authors,
        "checks": checks,
        "after": _runs_after(page, found),
        "merging": _merging(page, found, facts, checks),
        "may_close": own or page.may(Mode.WRITE),
        "behind": _behind(page, found),
    }


def _statuses(page: Page, found: Pull) -> list[Status]:
    """What checks say of it, and once it is merged what the deploy says."""
    commits = [*([found.merge_sha] if found.merge_sha else []), found.head_sha]
    return [one for sha in commits for one in repositories.statuses(page.forge.db, page.repository.id, sha)]


def _runs_after(page: Page, found: Pull) -> list[browsing.RunLine]:
    """What the merge started."""
    return browsing.runs_of_commit(page.forge.db, page.repository.id, found.merge_sha) if found.merge_sha else []


def _behind(page: Page, found: Pull) -> bool:
    """Whether the base branch has commits that the head lacks, so that an update would bring something."""
    if found.closed:
        return False
    tip = page.tip(found.base)
    key = ("behind", found.repo_id, tip, found.head_sha)
    return bool(tip) and page.desk.lists.value(
        key, lambda: not history.is_ancestor(page.git, tip or "", found.head_sha)
    )


def _merging(page: Page, found: Pull, facts: PullFacts, checks: shared.Checks) -> Merging:
    may = page.may(Mode.WRITE) and rules.may_merge(page.forge, page.identity, page.repository, found.base)
    if found.merged:
        return Merging("over", "Merged.", False)
    if found.closed:
        return Merging("over", "Closed without being merged.", False)
    if found.draft:
        return Merging("blocked", "Its title marks it as work in progress.", False)
    if not facts.mergeable:
        return Merging("blocked", f"It conflicts with {found.base}: bring {found.base} into {found.head} first.", False)
    reason = rules.why_not_ready(page.forge, page.repository, found)
    if reason:
        return Merging("blocked", f"{reason}.", False)
    return Merging(*_advice(checks), may)


def _advice(checks: shared.Checks) -> tuple[str, str]:
    if checks.state in {"failure", "error"}:
        return "waits", "A check failed. It can be merged all the same: look first."
    if checks.state == "pending":
        return "waits", "Checks are still running."
    return "ready", "Every check passed." if checks.each else "Nothing stands against it."


@doors.get(f"{_ONE}/commits")
def commits(page: Page) -> Response:
    """Its commits."""
    values = _common(page, *_found(page))
    shas = [one.sha for one in values["commits"]]
    mails = [one.author.email for one in values["commits"]]
    values["authors"] = browsing.accounts_by_email(page.forge.db, mails)
    return respond.show(page, "pull_commits", part="commits", checks=shared.checks_of(page, shas), **values)


@doors.get(f"{_ONE}/files")
def files(page: Page) -> Response:
    """What it changes."""
    found, facts = _found(page)
    base = pulls.current_base(page.forge, found)
    shown = difference.html(page, base, found.head_sha, lambda: history.diff(page.git, base, found.head_sha))
    return respond.show(page, "pull_files", part="files", difference=shown, **_common(page, found, facts))
