"""High-availability resources as records: nothing moves them, but a managed container is guarded as on PVE."""

from __future__ import annotations

import hashlib

from harness.embedded.node.errors import ApiError, failure
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_power
from harness.embedded.node.store import Record
from harness.embedded.node.tasks import Task


def full_sid(node: Node, text: str) -> str:
    """``100`` → ``ct:100``; raises PVE's 500 for the number of no container."""
    if ":" in text:
        return text
    if node.guests.find(int(text)) is None:
        raise failure(f"unable do add resource - VM/CT {text} does not exist")
    return f"ct:{text}"


def find(node: Node, vmid: int) -> Record | None:
    """The resource of a container, or None."""
    return node.store.table("ha").get(f"ct:{vmid}")


def digest(node: Node) -> str:
    """SHA-1 of all resources."""
    text = "".join(f"{sid}{sorted(record.items())}" for sid, record in sorted(node.store.table("ha").items()))
    return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324  # PVE's digest, not a protection


def state(node: Node, vmid: int) -> dict[str, object]:
    """What ``status/current`` shows."""
    record = find(node, vmid)
    return {"managed": 1, "state": record["state"]} if record else {"managed": 0}


def guard_destroy(node: Node, vmid: int, *, purge: bool) -> None:
    """Raise PVE's 500 when a managed container is destroyed without ``purge``."""
    if find(node, vmid) and not purge:
        raise failure(f"unable to remove CT {vmid} - used in HA resources and purge parameter not set.")


def request(node: Node, user: str, vmid: int, wanted: str) -> str:
    """Start the task ``hastart`` or ``hastop``, which asks the manager; here it does the work itself."""
    verb = "start" if wanted == "started" else "stop"
    if verb == "start" and node.is_running(vmid):
        raise failure(f"CT {vmid} already running")

    def work(task: Task) -> None:
        task.log(f"Requesting HA {verb} for CT {vmid}")
        node.store.table("ha").change(f"ct:{vmid}", state=wanted)
        with node.guests.locked(vmid, task.log):
            if verb == "start":
                guest_power.start_now(node, vmid, task.log)
            else:
                node.runtime.stop(vmid)

    return node.tasks.start(f"ha{verb}", vmid, user, work)


def missing(sid: str, doing: str) -> ApiError:
    """PVE's 500 for a resource that is not there."""
    return failure(f"{doing}no such resource '{sid}'")
