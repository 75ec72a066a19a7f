"""What the administrator of a control plane's forge is called."""

from __future__ import annotations

import re

_PAGES = re.compile(
    "admin|api|assets|attachments|avatars?|captcha|commits|containers|debug|error|explore|ghost|gitea-actions|issues|login"
    "|metrics|milestones|new|notifications|org|pulls|raw|repo|repo-avatars|runs|search|user|v2"
)
"""Names that Gitea keeps for its own pages."""
_OURS = frozenset({"gitops", "recipes", "main", "stage", "tasks"})
"""Accounts and organisations that each forge of ours has."""


def forge_account(login: str) -> str:
    """The forge account of ``login``: the same, or with ``gitops-`` before it where that is taken."""
    return f"gitops-{login}" if login in _OURS or _PAGES.fullmatch(login) else login
