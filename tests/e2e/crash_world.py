"""A node with real containers that is killed in the middle of what it does.

``python -m tests.e2e.crash_world STATE NAME BRIDGE ACTION STEP`` carries out one action and dies by SIGKILL right
after the engine has done its STEP-th change (0: before the first); it ends with 0 when there are fewer changes.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from harness.embedded.engine import client as engine
from harness.embedded.node import guest_clone, guest_create, guest_destroy, guest_snapshots, recovery
from harness.embedded.node.docker import cleanup
from harness.embedded.node.docker_runtime import DockerRuntime
from harness.embedded.node.node import Node, Options, state_file
from harness.embedded.node.runtime import Bridge
from harness.embedded.node.store import Store
from harness.kit.clock import Deadline, wait_until

TEMPLATE = "debian-13-standard_13.1-2_amd64.tar.zst"
SOURCE, OTHER = 100, 101
_CHANGES = frozenset(
    (
        *("commit", "create_container", "create_container_from_config", "create_volume", "kill", "pause"),
        *("put_archive", "remove_container", "remove_image", "remove_volume", "rename", "start", "unpause"),
    )
)


class DeadlyApi:
    """The engine's API, until it has made so many changes."""

    def __init__(self, api: Any, step: int) -> None:
        self._api = api
        self._left = step

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._api, name)
        return self._counted(found) if name in _CHANGES else found

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def change(*args: Any, **kwargs: Any) -> Any:
            self._die_at(0)
            try:
                return call(*args, **kwargs)
            finally:
                self._left -= 1
                self._die_at(0)

        return change

    def _die_at(self, left: int) -> None:
        if self._left == left:
            os.kill(os.getpid(), signal.SIGKILL)


class DeadlyClient:
    """A client with a deadly API."""

    def __init__(self, client: Any, step: int) -> None:
        self.api = DeadlyApi(client.api, step)
        self.images = client.images


def node_of(state: Path, bridge: str, runtime: DockerRuntime) -> Node:
    options = Options(
        bridges=(Bridge("vmbr0", IPv4Interface(bridge)),), templates=(TEMPLATE,), root=state / "files", login_delay=0
    )
    return Node(runtime, Store(state_file(state)), options, "secret")


@contextmanager
def started(state: Path, name: str, bridge: str) -> Iterator[Node]:
    """A node as it starts: what a kill left is mended."""
    with engine.opened() as client:
        node = node_of(state, bridge, DockerRuntime(state, name, client))
        node.runtime.prepare_bridges(node.options.bridges)
        recovery.mend(node)
        try:
            yield node
        finally:
            node.store.close()


def destroyed(name: str) -> None:
    """Remove everything the node made."""
    with engine.opened() as client:
        cleanup.remove_all(client, name)


def create(node: Node, vmid: int = SOURCE) -> str:
    params = {
        "vmid": str(vmid),
        "ostemplate": f"local:vztmpl/{TEMPLATE}",
        "storage": "local-lvm",
        "rootfs": "local-lvm:1",
        "mp0": "local-lvm:1,mp=/data",
        "memory": "128",
    }
    return guest_create.create(node, guest_create.request("root@pam", params))


def clone(node: Node) -> str:
    asked = guest_clone.Request("root@pam", SOURCE, OTHER, None, None, None, None, None, full=True)
    return guest_clone.clone(node, node.runtime, asked)  # type: ignore[arg-type]


ACTIONS: dict[str, Callable[[Node], str]] = {
    "create": create,
    "snapshot": lambda node: guest_snapshots.create(node, "root@pam", SOURCE, "new", ""),
    "rollback": lambda node: guest_snapshots.rollback(node, "root@pam", SOURCE, "old", start=False),
    "delete-snapshot": lambda node: guest_snapshots.delete(node, "root@pam", SOURCE, "old", force=False),
    "clone": clone,
    "destroy": lambda node: guest_destroy.destroy(node, "root@pam", SOURCE, force=True, purge=False),
}


def finished(node: Node, upid: str) -> str:
    """The end of a task."""
    ended = node.store.table("task")
    return str(wait_until(lambda: ended.get(upid), Deadline(120), upid)["status"])


def done(node: Node, action: str) -> None:
    """Carry an action out to a good end."""
    status = finished(node, ACTIONS[action](node))
    assert status == "OK" or status.startswith("WARNINGS"), status


def main(state: str, name: str, bridge: str, action: str, step: str) -> int:
    with engine.opened() as client:
        deadly: Any = DeadlyClient(client, int(step))
        node = node_of(Path(state), bridge, DockerRuntime(Path(state), name, deadly))
        done(node, action)
        node.store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
