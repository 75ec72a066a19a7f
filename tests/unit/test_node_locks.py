"""Locks in a container's configuration: who sets them, what they forbid, what a restart takes off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.embedded.node import fixture
from harness.embedded.node.errors import ApiError
from harness.embedded.node.memory_runtime import STANDARD, MemoryRuntime
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_create, guest_power, guest_snapshots, guest_update
from harness.embedded.node.routing import Call, handler_of
from harness.embedded.node.runtime import GuestError, Log

ROOT = "root@pam"


def create(node: Node, vmid: int) -> str:
    given = {"vmid": str(vmid), "ostemplate": f"local:vztmpl/{STANDARD[0].name}", "rootfs": "local-lvm:1"}
    return end(node, guest_create.create(node, guest_create.request(ROOT, {**given, "features": "nesting=1"})))


def end(node: Node, upid: str) -> str:
    assert node.tasks.wait(upid, 5)
    return str(node.tasks.status(upid)["exitstatus"])


def put(node: Node, vmid: int, **settings: str) -> None:
    guest_update.apply(node, guest_update.Change(ROOT, vmid, settings, (), (), None))


@pytest.fixture
def node() -> Iterator[Node]:
    with fixture.serve() as served:
        assert create(served.node, 110) == "OK"
        yield served.node


def test_a_locked_container_is_neither_changed_nor_started(node: Node) -> None:
    put(node, 110, lock="backup")
    with pytest.raises(ApiError, match=r"^CT is locked \(backup\)$"):
        put(node, 110, memory="300")
    assert end(node, guest_power.start(node, ROOT, 110, skiplock=False)) == "CT is locked (backup)"
    assert end(node, guest_power.start(node, ROOT, 110, skiplock=True)) == "OK"


def test_a_mounted_container_may_be_started_and_stopped(node: Node) -> None:
    put(node, 110, lock="mounted")
    assert end(node, guest_power.start(node, ROOT, 110, skiplock=False)) == "OK"
    assert end(node, guest_power.stop(node, ROOT, 110, skiplock=False)) == "OK"


def test_only_root_ignores_locks(node: Node) -> None:
    with pytest.raises(ApiError) as refused:
        guest_power.start(node, "root@pam!token", 110, skiplock=True)
    assert refused.value.errors == {"skiplock": "Only root may use this option."}


class NoSnapshots(MemoryRuntime):
    """Cannot keep a file system."""

    def snapshot(self, vmid: int, name: str, log: Log) -> None:
        raise GuestError("no space left on device")


def test_a_failed_snapshot_takes_its_lock_off() -> None:
    with fixture.serve(NoSnapshots()) as served:
        create(served.node, 110)
        upid = guest_snapshots.create(served.node, ROOT, 110, "one", "")
        assert end(served.node, upid) == "no space left on device"
        guest = served.node.guests.load(110)
        assert (guest.lock, dict(guest.snapshots)) == (None, {})


def test_a_restart_takes_off_only_the_locks_that_the_node_set(tmp_path: Path) -> None:
    with fixture.serve(state=tmp_path) as first:
        for vmid in (110, 111):
            create(first.node, vmid)
        put(first.node, 110, lock="backup")
        first.node.guests.begin(first.node.guests.load(111), "snapshot")
    with fixture.serve(state=tmp_path) as second:
        assert second.node.guests.load(110).lock == "backup"
        assert second.node.guests.load(111).lock is None


class PlainRuntime:
    """A runtime that can neither copy nor archive: everything else is that of another."""

    def __init__(self) -> None:
        self._inner = MemoryRuntime()

    def __getattr__(self, name: str) -> object:
        if name in ("clone", "copy_volume", "archive", "restore"):
            raise AttributeError(name)
        return getattr(self._inner, name)


@pytest.mark.parametrize(
    ("method", "path", "params"),
    [
        ("POST", "/nodes/{node}/lxc/{vmid}/clone", {"newid": "120"}),
        ("POST", "/nodes/{node}/lxc/{vmid}/move_volume", {"volume": "rootfs", "storage": "local"}),
        ("POST", "/nodes/{node}/vzdump", {"storage": "local"}),
    ],
)
def test_what_the_runtime_cannot_do_is_not_implemented(method: str, path: str, params: dict[str, str]) -> None:
    with fixture.serve(PlainRuntime()) as served:  # type: ignore[arg-type]
        handler = handler_of(method, path)
        assert handler is not None
        with pytest.raises(ApiError) as refused:
            handler(Call(served.node, ROOT, method, path, {"node": "pve", "vmid": "110", **params}))
        assert refused.value.status == 501
