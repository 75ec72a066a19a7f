"""Commands inside containers, for the tasks that run by the clock."""

from __future__ import annotations

from typing import Final

from harness.inventory.model import Container
from harness.kit.clock import Deadline
from harness.lifecycle.context import ADMIN
from harness.lifecycle.workspace import Workspace
from harness.remote.connection import Connection

_LOGIN_SECONDS: Final = 10.0


def connect(workspace: Workspace, container: Container, seconds: float = _LOGIN_SECONDS) -> Connection:
    """The connection to a container that the base role has been to; raises ``UnreachableError`` or ``RemoteError``."""
    address = str(container.address.ip)
    return workspace.connections.get(container.vmid, address, ADMIN, deadline=Deadline(seconds))
