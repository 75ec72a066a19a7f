"""What stands on the nodes now, in a number of calls that does not grow but by one read for each of our containers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from harness.inventory.model import Inventory
from harness.lifecycle import stamp
from harness.lifecycle.stamp import Stamp
from harness.pve import tasks, values
from harness.pve.client import Pve
from harness.pve.errors import PveError

RUNNING: Final = "running"


@dataclass(frozen=True, slots=True)
class Seen:
    """A guest as the lists show it."""

    vmid: int
    node: str
    kind: str
    """``lxc`` or ``qemu``."""
    name: str = ""
    status: str = "unknown"
    tags: tuple[str, ...] = ()
    lock: str | None = None
    template: bool = False
    config: Mapping[str, Any] | None = None
    """Its configuration as it runs; None where it was not read."""
    unreadable: str | None = None
    """Why it could not be read."""
    creating: str | None = None
    """Id of a running task that is making it."""

    @property
    def stamp(self) -> Stamp | None:
        """The stamp in its description."""
        return stamp.parse(str((self.config or {}).get("description", "")))

    @property
    def digest(self) -> str | None:
        """PVE's digest of the configuration that was read."""
        value = (self.config or {}).get("digest")
        return str(value) if value else None


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything a plan is made from. ``storages``: (node, storage) → content kinds; empty where none may be seen."""

    guests: Mapping[int, Seen] = field(default_factory=dict)
    nodes: Mapping[str, str] = field(default_factory=dict)
    """Node → ``online``, ``offline``, ``unknown``."""
    storages: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    hidden: Mapping[int, str] = field(default_factory=dict)
    """VMIDs of the inventory that lists do not show and that are not free all the same; with PVE's words."""

    def ours(self, monorepo: str) -> tuple[tuple[Seen, Stamp], ...]:
        """The guests that carry the stamp of this repository, with it."""
        stamped = [(seen, seen.stamp) for _, seen in sorted(self.guests.items())]
        return tuple((seen, found) for seen, found in stamped if found is not None and found.monorepo == monorepo)


def observe(pve: Pve, inventory: Inventory) -> Observation:
    """Look once: the cluster's resources, the live state on each node in use, one read for each of our containers."""
    rows = pve.get("cluster/resources") or []
    wanted = {container.vmid for container in inventory.containers}
    nodes = {str(row["node"]): str(row.get("status", "unknown")) for row in rows if row.get("type") == "node"}
    guests = {seen.vmid: seen for row in rows if row.get("type") in ("lxc", "qemu") for seen in [_seen(row)]}
    guests |= _live(pve, guests, inventory, nodes)
    guests |= _read(pve, [seen for seen in guests.values() if seen.vmid in wanted or stamp.TAG in seen.tags])
    guests |= _being_made(pve, [seen for seen in guests.values() if seen.vmid in wanted and seen.lock == "create"])
    hidden, appeared = _absent(pve, inventory, wanted - guests.keys())
    return Observation(guests | appeared, nodes, dict(_storages(rows)), hidden)


def _seen(row: Mapping[str, Any], node: str | None = None, kind: str = "lxc") -> Seen:
    return Seen(
        vmid=int(row["vmid"]),
        node=node or str(row["node"]),
        kind=str(row.get("type", kind)),
        name=str(row.get("name", "")),
        status=str(row.get("status", "unknown")),
        tags=values.parse_tags(str(row.get("tags", ""))),
        lock=str(row["lock"]) if row.get("lock") else None,
        template=bool(int(row.get("template") or 0)),
    )


def _live(pve: Pve, guests: Mapping[int, Seen], inventory: Inventory, nodes: Mapping[str, str]) -> dict[int, Seen]:
    """State as each node itself has it: the cluster's list is gathered every ten seconds and lags behind."""
    wanted = {container.vmid: container.node for container in inventory.containers}
    asked = {*(guests[vmid].node for vmid in wanted if vmid in guests), *wanted.values()}
    online = sorted(node for node in asked if nodes.get(node, "online") == "online")
    answers = pve.gather([(f"nodes/{node}/lxc", {}) for node in online])
    found: dict[int, Seen] = {}
    for node, answer in zip(online, answers, strict=True):
        rows = answer if isinstance(answer, list) else []
        found |= {int(row["vmid"]): _seen(row, node) for row in rows}
    return found


def _read(pve: Pve, chosen: Iterable[Seen]) -> dict[int, Seen]:
    """The running configuration of each (``current=1``: without what waits for a restart)."""
    containers = [seen for seen in chosen if seen.kind == "lxc"]
    answers = pve.gather([(f"nodes/{seen.node}/lxc/{seen.vmid}/config", {"current": 1}) for seen in containers])
    return {seen.vmid: _with_config(seen, answer) for seen, answer in zip(containers, answers, strict=True)}


def _with_config(seen: Seen, answer: Any) -> Seen:
    if isinstance(answer, PveError):
        return replace(seen, unreadable=answer.reason)
    lock = str(answer["lock"]) if answer.get("lock") else seen.lock
    return replace(seen, config=answer, lock=lock)


def _being_made(pve: Pve, locked: Iterable[Seen]) -> dict[int, Seen]:
    """Containers under creation have no description yet: whether someone works on them is what counts."""
    found = {}
    for seen in locked:
        busy = tasks.running(pve, seen.node, seen.vmid)
        if busy:
            found[seen.vmid] = replace(seen, creating=busy[0])
    return found


def _absent(pve: Pve, inventory: Inventory, vmids: set[int]) -> tuple[dict[int, str], dict[int, Seen]]:
    """Make sure that what no list shows is really free: credentials see only what they may see.

    PVE answers GET /cluster/nextid?vmid=N with an error when any guest has that number.
    """
    if not vmids:
        return {}, {}
    ordered = sorted(vmids)
    answers = pve.gather([("cluster/nextid", {"vmid": vmid}) for vmid in ordered])
    taken = {vmid: answer for vmid, answer in zip(ordered, answers, strict=True) if isinstance(answer, PveError)}
    nodes = {container.vmid: container.node for container in inventory.containers}
    appeared = _read(pve, [Seen(vmid, nodes[vmid], "lxc") for vmid in taken])
    readable = {vmid: seen for vmid, seen in appeared.items() if seen.config is not None}
    hidden = {vmid: _words(answer) for vmid, answer in taken.items() if vmid not in readable}
    return hidden, readable


def _words(error: PveError) -> str:
    return error.errors.get("vmid", error.reason).strip()


def _storages(rows: Iterable[Mapping[str, Any]]) -> Iterable[tuple[tuple[str, str], frozenset[str]]]:
    for row in rows:
        if row.get("type") == "storage":
            content = frozenset(str(row.get("content", "")).split(","))
            yield (str(row["node"]), str(row["storage"])), content
