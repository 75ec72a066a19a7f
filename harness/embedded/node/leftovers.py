"""What a failed creation has left in the runtime, when that could not be removed at once."""

from __future__ import annotations

import logging
from collections.abc import Callable

from harness.embedded.node.node import Node
from harness.kit.errors import HarnessError

_TABLE = "leftover"
_log = logging.getLogger(__name__)


def remove(node: Node, vmid: int, say: Callable[[str], None]) -> None:
    """Remove everything that the runtime has of a container; what fails is told, and tried again later.

    The configuration goes all the same, as it does on a host: one without its disks can be neither started nor mended.
    """
    try:
        node.runtime.delete(vmid)
    except HarnessError as error:
        node.store.table(_TABLE).put(str(vmid), {})
        say(f"cleaning up failed: {error}")


def settle(node: Node, vmid: int) -> None:
    """Remove what an earlier container of this number has left; raises ``GuestError`` when it still cannot be."""
    if node.store.table(_TABLE).get(str(vmid)) is not None:
        node.runtime.delete(vmid)
        node.store.table(_TABLE).delete(str(vmid))


def settle_all(node: Node) -> None:
    """The same for all of them, as far as it can be done."""
    for key in list(node.store.table(_TABLE)):
        try:
            settle(node, int(key))
        except HarnessError as error:
            _log.warning("container %s: what is left of it cannot be removed: %s", key, error)
