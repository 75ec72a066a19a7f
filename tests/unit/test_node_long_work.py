"""While a container is being worked on, its configuration says so, and nobody else may."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.embedded.node import fixture
from harness.embedded.node.errors import ApiError
from harness.embedded.node.memory_runtime import STANDARD, MemoryRuntime
from harness.embedded.node.node import Node
from harness.embedded.node.operations import (
    backups,
    guest_clone,
    guest_create,
    guest_move,
    guest_power,
    guest_restore,
    guest_snapshots,
    guest_update,
)
from harness.embedded.node.runtime import ArchiveError

ROOT = "root@pam"
LONG = ("create", "clone", "snapshot", "rollback", "delete_snapshot", "archive", "restore", "copy_volume")


class SlowRuntime(MemoryRuntime):
    """Long work begins, and ends when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.holding, self.failing = "", ""
        self.begun, self.go = threading.Event(), threading.Event()

    def __getattribute__(self, name: str) -> object:
        if name in LONG and object.__getattribute__(self, "holding") == name:
            self.begun.set()
            assert self.go.wait(10)
        if name == "restore" and self.failing == name:
            raise ArchiveError("exit code 2")
        return object.__getattribute__(self, name)


@pytest.fixture
def runtime() -> SlowRuntime:
    return SlowRuntime()


@pytest.fixture
def node(runtime: SlowRuntime, tmp_path: Path) -> Iterator[Node]:
    with fixture.serve(runtime, state=tmp_path) as served:
        assert end(served.node, create(served.node, 110)) == "OK"
        yield served.node


def create(node: Node, vmid: int) -> str:
    given = {"vmid": str(vmid), "ostemplate": f"local:vztmpl/{STANDARD[0].name}", "rootfs": "local-lvm:1"}
    return guest_create.create(node, guest_create.request(ROOT, {**given, "features": "nesting=1"}))


def end(node: Node, upid: str) -> str:
    assert node.tasks.wait(upid, 10)
    return str(node.tasks.status(upid)["exitstatus"])


def clone(node: Node) -> str:
    asked = guest_clone.Request(ROOT, 110, 111, None, None, None, None, None, full=True)
    return guest_clone.clone(node, node.runtime, asked)  # type: ignore[arg-type]


def dump(node: Node) -> str:
    job = backups.job(ROOT, node, {"vmid": "110", "storage": "local", "compress": "zstd"})
    return backups.dump(node, node.runtime, job)  # type: ignore[arg-type]


def restore(node: Node) -> str:
    end(node, dump(node))
    volid = next(volid for volid in node.storages.volumes if "backup/vzdump-lxc-110" in volid)
    params = {"vmid": "110", "ostemplate": volid, "restore": "1", "force": "1", "storage": "local-lvm"}
    return guest_restore.restore(node, node.runtime, guest_create.request(ROOT, params), unique=False)  # type: ignore[arg-type]


def move(node: Node) -> str:
    moved = {"key": "rootfs", "target": "local", "digest": ""}
    return guest_move.move(node, node.runtime, ROOT, 110, delete=False, **moved)  # type: ignore[arg-type]


def kept(node: Node) -> None:
    assert end(node, guest_snapshots.create(node, ROOT, 110, "one", "")) == "OK"


def roll_back(node: Node) -> str:
    kept(node)
    return guest_snapshots.rollback(node, ROOT, 110, "one", start=False)


def forget(node: Node) -> str:
    kept(node)
    return guest_snapshots.delete(node, ROOT, 110, "one", force=False)


Work = Callable[[Node], str]
Step = tuple[str, Work, int, str]
"""What is held up, how it begins, and which container has which lock meanwhile."""
WORK: list[Step] = [
    ("create", lambda node: create(node, 111), 111, "create"),
    ("clone", clone, 110, "disk"),
    ("clone", clone, 111, "create"),
    ("snapshot", lambda node: guest_snapshots.create(node, ROOT, 110, "new", ""), 110, "snapshot"),
    ("rollback", roll_back, 110, "rollback"),
    ("delete_snapshot", forget, 110, "snapshot-delete"),
    ("archive", dump, 110, "backup"),
    ("restore", restore, 110, "create"),
    ("copy_volume", move, 110, "disk"),
]


@pytest.mark.parametrize("step", WORK)
def test_long_work_holds_a_lock_that_others_see(node: Node, runtime: SlowRuntime, step: Step) -> None:
    runtime.holding, work, vmid, lock = step
    upid = work(node)
    try:
        assert runtime.begun.wait(10)
        assert node.guests.load(vmid).lock == lock
        text = rf"^CT is locked \({lock}\)$"
        with pytest.raises(ApiError, match=text):
            guest_update.apply(node, guest_update.Change(ROOT, vmid, {"memory": "300"}, (), (), None))
        assert end(node, guest_power.start(node, ROOT, vmid, skiplock=False)) == f"CT is locked ({lock})"
        assert end(node, guest_snapshots.create(node, ROOT, vmid, "more", "")) == f"CT is locked ({lock})"
    finally:
        runtime.go.set()
    assert end(node, upid) == "OK"
    assert node.guests.load(vmid).lock is None


def test_a_locked_container_is_not_restored_over(node: Node) -> None:
    guest_update.apply(node, guest_update.Change(ROOT, 110, {"lock": "backup"}, (), (), None))
    params = {"vmid": "110", "ostemplate": "local:backup/x", "restore": "1", "force": "1"}
    with pytest.raises(ApiError, match=r"^unable to restore CT 110 - CT is locked \(backup\)$"):
        guest_restore.restore(node, node.runtime, guest_create.request(ROOT, params), unique=False)  # type: ignore[arg-type]


def test_a_failed_restore_leaves_the_old_container_and_takes_its_lock_off(node: Node, runtime: SlowRuntime) -> None:
    before = dict(node.guests.load(110).config)
    volumes = [volid for volid in node.storages.volumes if "110" in volid and "disk" in volid]
    runtime.failing = "restore"
    assert "unable to restore CT 110" in end(node, restore(node))
    assert node.guests.load(110).config == before
    assert [volid for volid in node.storages.volumes if "110" in volid and "disk" in volid] == volumes
    assert not node.guests.interrupted()
