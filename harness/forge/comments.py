"""Comments on pull requests, one of them kept up to date (Gitea API: /repos/{owner}/{repo}/issues/…/comments)."""

from __future__ import annotations

from harness.forge.client import Forge
from harness.forge.errors import NotFound
from harness.forge.model import Comment
from harness.forge.repositories import path


def listed(forge: Forge, slug: str, number: int) -> list[Comment]:
    """All comments, oldest first."""
    return [Comment.of(entry) for entry in forge.get(path(slug, "issues", number, "comments")) or []]


def create(forge: Forge, slug: str, number: int, body: str) -> Comment:
    """Say something."""
    return Comment.of(forge.post(path(slug, "issues", number, "comments"), {"body": body}))


def edit(forge: Forge, slug: str, comment: int, body: str) -> Comment:
    """Say it differently."""
    return Comment.of(forge.patch(path(slug, "issues", "comments", comment), {"body": body}))


def delete(forge: Forge, slug: str, comment: int) -> None:
    """Take it back; one that has gone is fine."""
    try:
        forge.delete(path(slug, "issues", "comments", comment))
    except NotFound:
        return


def mark(topic: str) -> str:
    """The invisible line by which a comment of ours is found again."""
    return f"<!-- gitops:{topic} -->"


def keep(forge: Forge, slug: str, number: int, topic: str, body: str, *, author: str | None = None) -> Comment:
    """The one comment about ``topic``: written, rewritten when ``body`` differs, never repeated.

    ``author`` (default: our login) must have written it: anybody can put our mark into a comment of theirs.
    """
    text = f"{mark(topic)}\n{body}"
    writer = author or (forge.login.user if forge.login else "")
    ours = [
        entry
        for entry in listed(forge, slug, number)
        if entry.body.startswith(mark(topic)) and entry.author.lower() == writer.lower()
    ]
    if not ours:
        return create(forge, slug, number, text)
    for repeated in ours[1:]:  # two jobs that wrote at once
        delete(forge, slug, repeated.id)
    return ours[0] if ours[0].body == text else edit(forge, slug, ours[0].id, text)
