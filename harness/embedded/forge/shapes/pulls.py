"""Pull requests, their files, comments, reviews, statuses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from harness.embedded.forge import clock
from harness.embedded.forge.git.history import FileChange
from harness.embedded.forge.shapes import labels as labels_shape
from harness.embedded.forge.shapes import people
from harness.embedded.forge.shapes import repository as repositories_shape
from harness.embedded.forge.shapes.view import View
from harness.embedded.forge.store import accounts, labels, pulls
from harness.embedded.forge.store.records import Account, Comment, Pull, Repository, Review, Status

Json = dict[str, Any]
_STATUS = {"A": "added", "D": "deleted", "R": "renamed", "C": "copied"}
WORST = ("error", "failure", "warning", "pending", "success", "skipped")


@dataclass(frozen=True, slots=True)
class PullFacts:
    """What git says of a pull request at the moment; ``head_gone`` when its branch was deleted."""

    base_sha: str
    mergeable: bool
    head_gone: bool
    additions: int = 0
    deletions: int = 0
    changed_files: int = 0


def pull(
    view: View, found: Pull, base: Repository, head: Repository | None, facts: PullFacts, *, listed: bool = False
) -> Json:
    """A pull request; ``listed`` leaves out what Gitea leaves out of lists."""
    page = view.page(base, "pulls", str(found.number))
    number = {"id": found.id, "url": page, "number": found.number}
    shape: Json = {**number, **_about(view, found), **_persons(view, found, listed)}
    reviews = 0 if listed else len(pulls.reviews(view.db, found.id))
    shape |= {
        "state": "closed" if found.closed else "open",
        "draft": found.draft,
        "is_locked": False,
        "comments": len(pulls.comments(view.db, found.id)),
        **({"review_comments": reviews} if reviews else {}),
        **({} if listed else _sizes(facts)),
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "mergeable": facts.mergeable,
        **_merged(view, found),
        "allow_maintainer_edit": found.maintainer_edit,
        "base": _side(view, found.base, found.base, facts.base_sha, base),
        "head": _head(view, found, head, facts),
        "merge_base": found.merge_base,
        "due_date": None,
        "created_at": clock.show(found.created),
        "updated_at": clock.show(found.updated),
        "closed_at": clock.show_or_none(found.closed_at),
        "pin_order": 0,
    }
    return shape


_AS_ISSUE = (
    "id", "url", "html_url", "number", "user", "title", "body", "labels", "milestone", "assignee", "assignees", "state",
    "is_locked", "comments", "created_at", "updated_at", "closed_at", "due_date", "pin_order",
)  # fmt: skip


def issue(view: View, within: Repository, found: Pull, whole: Json) -> Json:
    """A pull request as an issue; ``whole`` is its shape as a pull request."""
    about = {"merged": found.merged, "merged_at": clock.show_or_none(found.merged_at), "draft": found.draft}
    return {
        **{name: whole[name] for name in _AS_ISSUE},
        "url": view.api(within, "issues", str(found.number)),
        "original_author": "",
        "original_author_id": 0,
        "ref": "",
        "assets": [],
        "time_estimate": 0,
        "pull_request": {**about, "html_url": whole["html_url"]},
        "repository": {
            "id": within.id,
            "name": within.name,
            "owner": within.owner_name,
            "full_name": within.full_name,
        },
    }


def _about(view: View, found: Pull) -> Json:
    return {
        "user": people.user(view, accounts.by_id(view.db, found.user_id)),
        "title": found.title,
        "body": found.body,
        "labels": [labels_shape.label(view, one) for one in labels.carried(view.db, found.id)],
        "milestone": None,
    }


def _persons(view: View, found: Pull, listed: bool) -> Json:
    assigned = [people.stranger(view, who) for who in pulls.persons(view.db, found.id, "assignee")]
    asked = [people.stranger(view, who) for who in pulls.persons(view.db, found.id, "reviewer")]
    return {
        "assignee": assigned[0] if assigned else None,
        "assignees": assigned or (None if listed else []),
        "requested_reviewers": asked or (None if listed else []),
        "requested_reviewers_teams": None if listed else [],
    }


def _sizes(facts: PullFacts) -> Json:
    return {"additions": facts.additions, "deletions": facts.deletions, "changed_files": facts.changed_files}


def _merged(view: View, found: Pull) -> Json:
    by = people.stranger(view, accounts.by_id(view.db, found.merged_by)) if found.merged else None
    return {
        "merged": found.merged,
        "merged_at": clock.show_or_none(found.merged_at),
        "merge_commit_sha": found.merge_sha if found.merged else None,
        "merged_by": by,
    }


def _side(view: View, label: str, ref: str, sha: str, repository: Repository | None) -> Json:
    shown = repositories_shape.repository(view, repository) if repository else None
    key = repository.id if repository else 0
    return {"label": label, "ref": ref, "sha": sha, "repo_id": key, "repo": shown}


def _head(view: View, found: Pull, head: Repository | None, facts: PullFacts) -> Json:
    ref = found.ref if facts.head_gone else found.head
    return _side(view, found.head, ref, found.head_sha, head)


def file(view: View, repository: Repository, sha: str, change: FileChange) -> Json:
    """A file that a pull request changes."""
    path, additions, deletions = quote(change.path), max(change.additions, 0), max(change.deletions, 0)
    return {
        "filename": change.path,
        **({"previous_filename": change.previous} if change.previous else {}),
        "status": _STATUS.get(change.status, "changed"),
        "additions": additions,
        "deletions": deletions,
        "changes": additions + deletions,
        "html_url": view.page(repository, "src/commit", sha, path),
        "contents_url": f"{view.api(repository, 'contents', path)}?ref={sha}",
        "raw_url": view.page(repository, "raw/commit", sha, path),
    }


def comment(view: View, repository: Repository, found: Pull, said: Comment) -> Json:
    """What somebody said on a pull request."""
    page = view.page(repository, "pulls", str(found.number))
    return {
        "id": said.id,
        "html_url": f"{page}#issuecomment-{said.id}",
        "pull_request_url": page,
        "issue_url": "",
        "user": people.stranger(view, accounts.by_id(view.db, said.user_id)),
        "original_author": "",
        "original_author_id": 0,
        "body": said.body,
        "assets": [],
        "created_at": clock.show(said.created),
        "updated_at": clock.show(said.updated),
    }


def review(view: View, repository: Repository, found: Pull, made: Review) -> Json:
    """A verdict."""
    page = view.page(repository, "pulls", str(found.number))
    return {
        "id": made.id,
        "user": people.user(view, accounts.by_id(view.db, made.user_id)),
        "team": None,
        "state": made.state,
        "body": made.body,
        "commit_id": made.sha,
        "stale": made.sha != found.head_sha,
        "official": made.official,
        "dismissed": made.dismissed,
        "comments_count": 0,
        "submitted_at": clock.show(made.created),
        "updated_at": clock.show(made.updated),
        "html_url": f"{page}#issuecomment-{made.comment_id}",
        "pull_request_url": page,
    }


def status(view: View, repository: Repository, found: Status) -> Json:
    """What a check says; nobody made the ones of workflow runs."""
    creator: Account | None = accounts.by_id(view.db, found.creator_id) if found.creator_id else None
    return {
        "id": found.id,
        "status": found.state,
        "target_url": found.target_url,
        "description": found.description,
        "url": view.api(repository, "statuses", found.sha),
        "context": found.context,
        "creator": people.stranger(view, creator) if creator else None,
        "created_at": clock.show(found.created),
        "updated_at": clock.show(found.created),
    }


def newest_by_context(found: Iterable[Status]) -> list[Status]:
    """Of statuses, newest first, the newest for each context, by age."""
    seen: dict[str, Status] = {}
    for entry in found:
        seen.setdefault(entry.context, entry)
    return sorted(seen.values(), key=lambda entry: entry.id)


def combined_state(newest: Iterable[Status]) -> str:
    """The worst of them; a status that is no known state counts for nothing."""
    states = {entry.state for entry in newest}
    return next((state for state in WORST if state in states), "pending" if not states else "")
