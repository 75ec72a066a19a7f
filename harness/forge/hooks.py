"""Webhooks of a repository (Gitea API: /repos/{owner}/{repo}/hooks)."""

from __future__ import annotations

from collections.abc import Iterable

from harness.forge.client import Forge
from harness.forge.model import Hook
from harness.forge.repositories import path
from harness.kit.secret import Secret


def listed(forge: Forge, slug: str) -> list[Hook]:
    """All webhooks."""
    return [Hook.of(entry) for entry in forge.listed(path(slug, "hooks"))]


def ensure(forge: Forge, slug: str, url: str, events: Iterable[str], secret: Secret) -> Hook:
    """A webhook to ``url``, signed with ``secret``; one that is there gets the events and the secret."""
    config = {"url": url, "content_type": "json", "secret": secret.reveal()}
    body = {"events": sorted(events), "config": config, "active": True}
    there = next((hook for hook in listed(forge, slug) if hook.url == url), None)
    if there is not None:
        return Hook.of(forge.patch(path(slug, "hooks", there.id), body))
    return Hook.of(forge.post(path(slug, "hooks"), {"type": "gitea", **body}))


def delete(forge: Forge, slug: str, hook: int) -> None:
    """Remove a webhook."""
    forge.delete(path(slug, "hooks", hook))
