"""Pull requests that pipelines look for: the one that a commit came from, and the ones that wait to be released."""

from __future__ import annotations

from collections.abc import Iterable

from harness.forge import branches, comments, pulls, statuses
from harness.forge.client import Forge
from harness.forge.model import Pull
from harness.kit.errors import HarnessError, UsageError
from harness.lifecycle.seeding import names
from harness.pipeline import agreement, tell
from harness.pipeline.agreement import NOTHING, Agreement
from harness.pipeline.containers import Entry
from harness.pipeline.job import Proposal


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


def with_links(forge: Forge | None, entries: Iterable[Entry]) -> list[Entry]:
    """The list of containers, those that have open changes with the pull request that carries them out when merged.

    That is the open release pull request of the container's own repository, else the monorepo's.
    """
    known: dict[str, str] = {}
    listed = list(entries)
    if forge is None:
        return listed
    return [{**one, "changes_link": _link(forge, one, known)} if one["changes"] else one for one in listed]


def _link(forge: Forge, entry: Entry, known: dict[str, str]) -> str:
    """``known`` remembers what each repository answered. A stage's containers are nobody's but its own."""
    slugs = [entry["repository"], *([] if entry["stage"] else [names.CONFIG])]
    for slug in slugs:
        if slug not in known:
            known[slug] = _waiting_page(forge, slug)
    return next((known[slug] for slug in slugs if known[slug]), "")


def _waiting_page(forge: Forge, slug: str) -> str:
    """Its path on the forge; empty where there is none, or none that can be found now."""
    try:
        found = waiting(forge, slug)
    except HarnessError:
        return ""
    return f"/{slug}/pulls/{found[0].number}" if found else ""


def waiting(forge: Forge, slug: str) -> list[Pull]:
    """Open release pull requests, oldest first: what stands on ``main`` already, not what somebody proposes."""
    found = (pull for pull in pulls.listed(forge, slug) if (pull.base, pull.head) == (names.RELEASE, names.TRUNK))
    return sorted((pull for pull in found if pull.head_slug == slug), key=lambda one: one.number)
