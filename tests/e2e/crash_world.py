"""A node with real containers that is killed in the middle of what it does.

``python -m tests.e2e.crash_world STATE NAME BRIDGE ACTION STEP`` carries out one action and dies by SIGKILL right
after the engine has done its STEP-th change (0: before the first); it ends with 0 when there are fewer changes.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from harness.embedded.engine import client as engine
from harness.embedded.node import recovery
from harness.embedded.node.docker import cleanup
from harness.embedded.node.docker_runtime import DockerRuntime
from harness.embedded.node.node import Node, Options, state_file
from harness.embedded.node.operations import (
    backups,
    guest_clone,
    guest_create,
    guest_destroy,
    guest_move,
    guest_restore,
    guest_snapshots,
)
from harness.embedded.node.runtime import Bridge
from harness.embedded.node.store import Store
from harness.kit.clock import Deadline, wait_until

TEMPLATE = "debian-13-standard_13.1-2_amd64.tar.zst"
SOURCE, OTHER = 100, 101
_CHANGES = frozenset(
    (
        *("attach_socket", "commit", "create_container", "create_container_from_config", "create_volume"),
        *("import_image_from_stream", "kill", "pause", "put_archive", "remove_container", "remove_image"),
        *("remove_volume", "rename", "start", "unpause"),
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
        "mp0": "local-lvm:1,mp=/data,backup=1",
        "memory": "128",
    }
    return guest_create.create(node, guest_create.request("root@pam", params))


def clone(node: Node) -> str:
    asked = guest_clone.Request("root@pam", SOURCE, OTHER, None, None, None, None, None, full=True)
    return guest_clone.clone(node, node.runtime, asked)  # type: ignore[arg-type]


def backup(node: Node) -> str:
    params = {"vmid": str(SOURCE), "storage": "local", "compress": "0"}
    return backups.dump(node, node.runtime, backups.job("root@pam", node, params))  # type: ignore[arg-type]


def restore(node: Node) -> str:
    """Over the source, from a small backup that another host has made."""
    assert node.options.root is not None
    file = node.options.root / "var/lib/vz/dump/vzdump-lxc-100-2026_01_02-03_04_05.tar"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        _small_backup(file)
    volid = f"local:backup/{file.name}"
    params = {"vmid": str(SOURCE), "ostemplate": volid, "storage": "local-lvm", "restore": "1", "force": "1"}
    asked = guest_create.request("root@pam", params)
    return guest_restore.restore(node, node.runtime, asked, unique=False)  # type: ignore[arg-type]


def _small_backup(file: Path) -> None:
    disks = "rootfs: local-lvm:vm-100-disk-0,size=1G\nmp0: local-lvm:vm-100-disk-1,mp=/data,backup=1,size=1G\n"
    with tarfile.open(file, "w") as tar:
        for name, text in (("etc/vzdump/pct.conf", f"memory: 128\n{disks}"), ("data/mark", "x"), ("etc/hostname", "x")):
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))


def move(node: Node) -> str:
    """The volume, to whichever of the two storages it is not on."""
    target = "local" if node.guests.load(SOURCE).config["mp0"].startswith("local-lvm:") else "local-lvm"
    moved = {"key": "mp0", "target": target, "digest": ""}
    return guest_move.move(node, node.runtime, "root@pam", SOURCE, delete=True, **moved)  # type: ignore[arg-type]


ACTIONS: dict[str, Callable[[Node], str]] = {
    "create": create,
    "snapshot": lambda node: guest_snapshots.create(node, "root@pam", SOURCE, "new", ""),
    "rollback": lambda node: guest_snapshots.rollback(node, "root@pam", SOURCE, "old", start=False),
    "delete-snapshot": lambda node: guest_snapshots.delete(node, "root@pam", SOURCE, "old", force=False),
    "clone": clone,
    "backup": backup,
    "restore": restore,
    "move": move,
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
