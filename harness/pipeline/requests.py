"""Pull requests that pipelines look for: the one that a commit came from, and the ones that wait to be released."""

from __future__ import annotations

from harness.forge import branches, comments, pulls, statuses
from harness.forge.client import Forge
from harness.forge.model import Pull
from harness.kit.errors import UsageError
from harness.lifecycle.seeding import names
from harness.pipeline import agreement, tell
from harness.pipeline.agreement import NOTHING, Agreement
from harness.pipeline.job import Proposal

TOPIC = "plan"


def open_proposal(forge: Forge, slug: str) -> Proposal:
    """The open release pull request of a repository; raises ``UsageError`` when there is none."""
    found = pulls.find_open(forge, slug, base=names.RELEASE, head=names.TRUNK)
    if found is None:
        raise UsageError(f"{slug} has no open release pull request", hint="open one from main to release")
    return Proposal(found.number, found.base, found.head_sha)


def accepted(forge: Forge, slug: str, sha: str) -> Pull | None:
    """The pull request whose merge made commit ``sha``; None when it was pushed or is older than that."""
    found = pulls.of_commit(forge, slug, sha)
    return found if found is not None and found.merged else None


def superseded_by(forge: Forge, slug: str, sha: str) -> str | None:
    """The commit that ``release`` holds, when it is another whose deploy has begun: older ones are not brought back.

    A newer one whose job still waits comes after this one, in its turn.
    """
    head = branches.head(forge, slug, names.RELEASE)
    if head is None or head == sha or tell.DEPLOY not in statuses.newest(forge, slug, head):
        return None
    return head


def agreed(forge: Forge, slug: str, pull: Pull, key: bytes) -> Agreement:
    """What was posted in the pull request for the very commit that was merged; ``NOTHING`` when nothing was."""
    for entry in comments.listed(forge, slug, pull.number):
        found = agreement.unseal(entry.body, key, f"{slug}#{pull.number}")
        if found is not None and found.head == pull.head_sha:
            return found
    return NOTHING


def waiting(forge: Forge, slug: str) -> list[Pull]:
    """Open pull requests into ``release``, oldest first."""
    return sorted(
        (pull for pull in pulls.listed(forge, slug) if pull.base == names.RELEASE), key=lambda one: one.number
    )
