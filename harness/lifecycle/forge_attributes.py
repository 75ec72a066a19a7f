"""What a recipe gets to reach the forge's variables with (``Env.get``, ``Env.set``), where its cookbook asks for them.

The token belongs to an account of the recipes' own. None of this is part of a revision: another token or address makes
no container another one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from harness.config import forge_accounts
from harness.inventory.model import Container
from harness.lifecycle import handover
from harness.lifecycle.revision import is_cookbook
from harness.lifecycle.workspace import Workspace
from harness.repo.tree import Tree

ATTRIBUTE: Final = "forge"
_MAIN: Final = "main"
_ASKS: Final = (b"Env.",)


def of(workspace: Workspace, container: Container) -> dict[str, Any]:
    """The attribute, its token a ``Secret``; empty where there is no forge or the cookbook does not ask."""
    account = forge_accounts.read(workspace.share.path.parent, forge_accounts.RECIPES)
    if account is None or not Tree(workspace.root).mentions(container.cookbook, _ASKS, is_cookbook):
        return {}
    found: dict[str, Any] = {
        "url": account.url,
        "token": account.token,
        "organisation": container.stage or _MAIN,
        "container": container.name,
        "names": writable(workspace.root),
    }
    return {ATTRIBUTE: {**found, **({"ca": account.ca} if account.ca else {})}}


def writable(root: Path) -> list[str]:
    """Names of variables besides a container's own that recipes may write. Raises ``ConfigurationError``."""
    return sorted(name.upper() for name in handover.read_globals(root))
