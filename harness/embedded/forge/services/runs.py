"""Workflow runs (stub)."""
from __future__ import annotations

from harness.embedded.forge.forge import Forge
from harness.embedded.forge.store.records import Account, Pull, Repository

PULL_ACTIONS = frozenset({"opened", "synchronized", "reopened"})
def on_push(forge: Forge, repository: Repository, doer: Account, update: tuple[str, str, str], base: str) -> None: ...
def on_pull(forge: Forge, repository: Repository, doer: Account, found: Pull, action: str, base: str) -> None: ...
