"""Whether this very process runs in a control plane, and in which."""

from __future__ import annotations

from harness.config import forge_accounts
from harness.config.forge_accounts import RECIPES
from harness.controlplane import deployment
from harness.inventory.model import Container
from harness.lifecycle.workspace import Workspace


def is_ourselves(workspace: Workspace, container: Container) -> bool:
    """Whether we run in ``container``: its forge is the one that our recipes are sent to."""
    if not container.is_control_plane:
        return False
    account = forge_accounts.read(workspace.share.path.parent, RECIPES)
    return account is not None and account.url == deployment.url(container)


def inside(workspace: Workspace) -> bool:
    """Whether we run in the container of one of the control planes of the inventory."""
    return any(is_ourselves(workspace, container) for container in workspace.inventory.containers)
