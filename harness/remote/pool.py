"""The connections of one process: one for each container and user, opened when first asked for."""

from __future__ import annotations

import threading
from pathlib import Path

from harness.kit.clock import Deadline
from harness.remote.connection import Connection, connect


class Pool:
    """Holds connections until ``close``. May be used by several threads."""

    def __init__(self, keys: Path, known_hosts: Path) -> None:
        self._keys = keys
        self._known_hosts = known_hosts
        self._lock = threading.Lock()
        self._open: dict[tuple[int, str], Connection] = {}

    def get(self, vmid: int, address: str, user: str, *, deadline: Deadline, first_contact: bool = False) -> Connection:
        """The connection to container ``vmid`` as ``user``; see ``connect`` for the rest and for what it raises."""
        with self._lock:
            held = self._open.get((vmid, user))
        if held is not None and held.address == address:
            return held
        made = connect(
            address,
            user,
            key=self._keys / str(vmid),
            known_hosts=self._known_hosts,
            deadline=deadline,
            first_contact=first_contact,
        )
        with self._lock:
            displaced = self._open.get((vmid, user))
            self._open[vmid, user] = made
        if displaced is not None:
            displaced.close()
        return made

    def drop(self, vmid: int) -> None:
        """Close what leads to ``vmid``: it is about to be deleted, or its users have changed."""
        with self._lock:
            dropped = [self._open.pop(key) for key in list(self._open) if key[0] == vmid]
        for connection in dropped:
            connection.close()

    def close(self) -> None:
        """Close them all."""
        with self._lock:
            held = list(self._open.values())
            self._open.clear()
        for connection in held:
            connection.close()
