"""What the administrator of a control plane's forge is called."""

from __future__ import annotations

_RESERVED = frozenset(
    """
    admin api assets attachments avatar avatars captcha commits containers debug error explore ghost gitea-actions
    issues login metrics milestones new notifications org pulls raw repo repo-avatars runs search user v2
    gitops recipes main stage tasks
    """.split()
)
"""Names that Gitea keeps for its own pages; in the last line the accounts and organisations that each forge here has.
"""


def forge_account(login: str) -> str:
    """The forge account of ``login``: the same, or with ``gitops-`` before it where that is taken."""
    return f"gitops-{login}" if login in _RESERVED else login
