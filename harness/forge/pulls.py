"""Pull requests (Gitea API: /repos/{owner}/{repo}/pulls)."""

from __future__ import annotations

from typing import Final, Literal

from harness.forge.client import Forge
from harness.forge.errors import Conflict, ForgeError, MergeRefused
from harness.forge.model import ChangedFile, Pull
from harness.forge.repositories import path
from harness.kit.clock import Deadline, wait_until
from harness.kit.errors import DeadlineError

Style = Literal["merge", "rebase", "rebase-merge", "squash", "fast-forward-only"]
State = Literal["open", "closed", "all"]
_LATER: Final = "try again later"
"""What Gitea answers (405) while it still finds out whether a pull request can be merged."""


def get(forge: Forge, slug: str, number: int) -> Pull:
    """One pull request; raises ``NotFound``."""
    return Pull.of(forge.get(path(slug, "pulls", number)))


def listed(forge: Forge, slug: str, state: State = "open") -> list[Pull]:
    """Pull requests, newest first."""
    return [Pull.of(entry) for entry in forge.listed(path(slug, "pulls"), state=state)]


def find_open(forge: Forge, slug: str, *, base: str, head: str) -> Pull | None:
    """The open pull request from branch ``head`` (``owner:branch`` in a fork) into ``base``."""
    owner, _, branch = head.rpartition(":")
    for pull in listed(forge, slug):
        ours = (pull.head_slug.partition("/")[0] == owner) if owner else pull.head_slug == slug
        if pull.base == base and pull.head == branch and ours:
            return pull
    return None


def create(forge: Forge, slug: str, *, base: str, head: str, title: str, body: str = "") -> Pull:
    """Open one; raises ``Conflict`` when it is open already, ``ForgeError`` 422 when nothing differs."""
    made = forge.post(path(slug, "pulls"), {"base": base, "head": head, "title": title, "body": body})
    return Pull.of(made)


def ensure(forge: Forge, slug: str, *, base: str, head: str, title: str, body: str = "") -> tuple[Pull, bool]:
    """The open pull request, and whether it was opened now."""
    there = find_open(forge, slug, base=base, head=head)
    if there is not None:
        return there, False
    try:
        return create(forge, slug, base=base, head=head, title=title, body=body), True
    except Conflict:
        there = find_open(forge, slug, base=base, head=head)
        if there is None:
            raise
        return there, False


def edit(
    forge: Forge, slug: str, number: int, *, title: str | None = None, body: str | None = None, state: str | None = None
) -> Pull:
    """Change title or text, close (``state="closed"``) or open again."""
    changes = {"title": title, "body": body, "state": state}
    wanted = {name: value for name, value in changes.items() if value is not None}
    return Pull.of(forge.patch(path(slug, "pulls", number), wanted))


def diff(forge: Forge, slug: str, number: int) -> str:
    """The whole difference as a patch."""
    return forge.text(path(slug, "pulls", f"{number}.diff"))


def files(forge: Forge, slug: str, number: int) -> list[ChangedFile]:
    """What it touches."""
    return [ChangedFile.of(entry) for entry in forge.listed(path(slug, "pulls", number, "files"))]


def of_commit(forge: Forge, slug: str, sha: str) -> Pull | None:
    """The pull request that brought a commit, once it is merged."""
    found = forge.find(path(slug, "commits", sha, "pull"))
    return Pull.of(found) if found else None


def wait_mergeable(forge: Forge, slug: str, number: int, deadline: Deadline) -> Pull:
    """Wait until the forge says that it can be merged; raises ``MergeRefused`` when it does not in time."""

    def probe() -> Pull | None:
        pull = get(forge, slug, number)
        return pull if pull.mergeable or not pull.open else None

    try:
        pull = wait_until(probe, deadline, f"{slug}: pull request {number} can be merged")
    except DeadlineError as error:
        raise _refused(slug, number, 405, "it conflicts with its target, or a check is missing") from error
    if not pull.open:
        raise _refused(slug, number, 405, "it is merged already" if pull.merged else "it is closed")
    return pull


def merge(
    forge: Forge, slug: str, number: int, deadline: Deadline, *, head_sha: str | None = None, style: Style = "merge"
) -> Pull:
    """Merge, if the head still is ``head_sha``; the pull request as it is then.

    Raises ``Conflict`` when the head has moved, ``MergeRefused`` when the forge will not.
    """
    body = {"Do": style, **({"head_commit_id": head_sha} if head_sha else {})}
    call = path(slug, "pulls", number, "merge")

    def attempt() -> bool:
        try:
            forge.post(call, body)
        except ForgeError as error:
            if error.status != 405:
                raise
            if _LATER not in error.reason:
                raise _refused(slug, number, 405, error.reason) from error
            return False
        return True

    try:
        wait_until(attempt, deadline, f"{slug}: the forge merges pull request {number}")
    except DeadlineError as error:
        raise _refused(slug, number, 405, "it conflicts with its target, or a check is missing") from error
    return get(forge, slug, number)


def _refused(slug: str, number: int, status: int, why: str) -> MergeRefused:
    return MergeRefused(f"merge of {slug} pull request {number}", status, why)
