"""Resource pools: named groups of containers and storages."""

from __future__ import annotations

import re

from harness.embedded.node.errors import failure
from harness.embedded.node.store import Record, Store


class Pools:
    """The pools by name."""

    def __init__(self, store: Store) -> None:
        self.table = store.table("pool")

    def need(self, name: str) -> Record:
        """The pool; raises PVE's 500 when there is none."""
        record = self.table.get(name)
        if record is None:
            raise failure(f"pool '{name}' does not exist")
        return record

    def of_guest(self, vmid: int) -> str | None:
        """The pool of a container, or None."""
        return next((name for name, record in self.table.items() if vmid in record["guests"]), None)

    def of_path(self, path: str) -> str | None:
        """The pool that lends its privileges to an ACL path, or None."""
        found = re.fullmatch(r"/(vms|storage)/([^/]+)", path)
        if not found:
            return None
        if found[1] == "vms":
            return self.of_guest(int(found[2])) if found[2].isdigit() else None
        return next((name for name, record in self.table.items() if found[2] in record["storages"]), None)

    def add_guest(self, name: str, vmid: int) -> None:
        """Make a container a member, of this pool only."""
        self.drop_guest(vmid)
        record = self.need(name)
        self.table.put(name, {**record, "guests": [*record["guests"], vmid]})

    def drop_guest(self, vmid: int) -> None:
        """Remove a container from its pool."""
        for name, record in self.table.items():
            if vmid in record["guests"]:
                self.table.put(name, {**record, "guests": [v for v in record["guests"] if v != vmid]})
