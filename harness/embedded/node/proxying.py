"""Calls that name another node: this one is alone, so they fail as they do on a real single node."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

from harness.embedded.node.errors import BareError, failure
from harness.embedded.node.node import Node

PORT = 8006
_HOSTS = Path("/etc/hosts")


def check_node(node: Node, name: str) -> None:
    """Return when ``name`` is this node; raise PVE's 500 for an unknown name, 595 for one that does not answer."""
    if name in (node.name, "localhost"):
        return
    address = _address(name)
    if address is None:
        raise failure(
            f"hostname lookup '{name}' failed - failed to get address info for: {name}: Name or service not known"
        )
    raise BareError(595, _reach(address))


def _address(name: str) -> str | None:
    """The address of a name in this host's own table; nobody else is asked."""
    for line in _HOSTS.read_text().splitlines() if _HOSTS.exists() else []:
        words = line.partition("#")[0].split()
        if name in words[1:]:
            return words[0]
    return None


def _reach(address: str) -> str:
    try:
        socket.create_connection((address, PORT), timeout=3).close()
    except TimeoutError:
        return "Connection timed out"
    except OSError as error:
        return os.strerror(error.errno or errno.EHOSTUNREACH)
    return "Connection refused"
