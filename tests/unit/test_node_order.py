"""Containers start and stop in their places, with the pauses that these ask for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.embedded.node import fixture, recovery
from harness.embedded.node.guest_config import Guest
from harness.embedded.node.memory_runtime import STANDARD, MemoryRuntime
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_create, guest_order, ha
from harness.embedded.node.routing import Call, handler_of
from harness.embedded.node.runtime import GuestError, Log

ROOT = "root@pam"


class Telling(MemoryRuntime):
    """Notes what it is asked for, and the seconds that somebody waits between."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.broken: set[int] = set()
        self.lock = threading.Lock()

    def say(self, text: str) -> None:
        with self.lock:
            self.said.append(text)

    def start(self, vmid: int, log: Log) -> None:
        self.say(f"start {vmid}")
        if vmid in self.broken:
            raise GuestError("no such bridge")
        super().start(vmid, log)

    def shutdown(self, vmid: int, timeout: float) -> None:
        self.say(f"shutdown {vmid} {timeout:g}")
        super().shutdown(vmid, timeout)


class Ticking:
    """A clock that tells how long it was slept by."""

    def __init__(self, runtime: Telling) -> None:
        self.runtime = runtime

    def monotonic(self) -> float:
        return 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        self.runtime.say(f"{seconds:g} s")


@pytest.fixture
def runtime() -> Telling:
    return Telling()


@pytest.fixture
def node(runtime: Telling, tmp_path: Path) -> Iterator[Node]:
    with fixture.serve(runtime, state=tmp_path) as served:
        served.node.clock = Ticking(runtime)
        yield served.node


def create(node: Node, vmid: int, **settings: str) -> None:
    given = {"vmid": str(vmid), "ostemplate": f"local:vztmpl/{STANDARD[0].name}", "rootfs": "local-lvm:1", **settings}
    upid = guest_create.create(node, guest_create.request(ROOT, {**given, "features": "nesting=1"}))
    assert node.tasks.wait(upid, 5)


def run(node: Node, name: str, **params: str) -> list[str]:
    """The log of a task of the whole node."""
    path = f"/nodes/{{node}}/{name}"
    handler = handler_of("POST", path)
    assert handler is not None
    upid = str(handler(Call(node, ROOT, "POST", path, {"node": "pve", **params})))
    assert node.tasks.wait(upid, 10)
    return [line for _, line in node.tasks.log(upid, 0, None)[0]]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("order=3,up=5,down=7", guest_order.Startup(3, 5, 7)),
        ("2", guest_order.Startup(2)),
        ("up=9", guest_order.Startup(up=9)),
        ("", guest_order.Startup()),
    ],
)
def test_a_place_is_read_from_the_settings(text: str, place: guest_order.Startup) -> None:
    assert guest_order.startup(Guest(100, {"startup": text})) == place


def test_all_start_by_their_place_and_the_pauses_are_kept(node: Node, runtime: Telling) -> None:
    create(node, 110)
    create(node, 111, startup="order=2,up=2")
    create(node, 112, startup="order=1")
    create(node, 113, startup="up=1")
    runtime.broken.add(112)
    log = run(node, "startall", force="1")
    assert runtime.said == ["start 112", "start 111", "1 s", "1 s", "start 110", "start 113", "1 s"]
    assert log == [
        "Starting CT 112",
        "Starting CT 112 failed: no such bridge",
        "Starting CT 111",
        "Waiting for 2 seconds (startup delay)",
        "Starting CT 110",
        "Starting CT 113",
        "Waiting for 1 seconds (startup delay)",
        "TASK OK",
    ]


def test_all_stop_in_the_opposite_order_each_within_its_time(node: Node, runtime: Telling) -> None:
    for vmid, place in ((110, ""), (111, "order=2,down=9"), (112, "order=1,down=0"), (113, "order=2")):
        create(node, vmid, **({"startup": place} if place else {}))
    run(node, "startall", force="1")
    runtime.said.clear()
    log = run(node, "stopall", timeout="33")
    assert [runtime.said[0], set(runtime.said[1:3]), runtime.said[3]] == [
        "shutdown 110 33",
        {"shutdown 113 33", "shutdown 111 9"},
        "shutdown 112 0",
    ]
    assert log[0] == "Stopping CT 110 (timeout = 33 seconds)"
    assert not any(node.is_running(vmid) for vmid in range(110, 114))


def test_what_starts_on_boot_does_and_nothing_else(node: Node, runtime: Telling) -> None:
    create(node, 110, onboot="1")
    create(node, 111)
    create(node, 112, onboot="1", startup="order=1")
    for vmid, state in ((113, "started"), (114, "stopped")):
        create(node, vmid, onboot="1")
        node.store.table("ha").put(f"ct:{vmid}", {"state": state})
    assert ha.find(node, 113)
    recovery.start_on_boot(node)
    for task in node.tasks.running():
        assert node.tasks.wait(task["upid"], 10)
    assert [line for line in runtime.said if line != "start 113"] == ["start 112", "start 110"]
    assert "start 113" in runtime.said
    assert {"startall", "vzstart", "hastart"} <= {task["type"] for task in node.tasks.ended()}


def test_a_pause_ends_when_the_task_is_told_to(node: Node, runtime: Telling) -> None:
    create(node, 110, startup="order=1,up=600")
    create(node, 111)

    class Interrupting(Ticking):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            for task in node.tasks.running():
                node.tasks.interrupt(task["upid"])

    node.clock = Interrupting(runtime)
    assert run(node, "startall", force="1")[-1] == "TASK ERROR: received interrupt"
    assert runtime.said == ["start 110", "1 s"]
