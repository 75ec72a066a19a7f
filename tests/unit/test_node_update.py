"""Changes of a running container that its runtime cannot make at once, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from harness.embedded.node import fixture
from harness.embedded.node.errors import ApiError
from harness.embedded.node.memory_runtime import STANDARD, MemoryRuntime
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_create, guest_power, guest_update
from harness.embedded.node.runtime import GuestError, GuestSpec

ROOT = "root@pam"


@dataclass
class Stubborn(MemoryRuntime):
    """Refuses some keys, and puts others off until a restart."""

    refused: set[str] = field(default_factory=set)
    late: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def update(self, spec: GuestSpec, changed: frozenset[str]) -> frozenset[str]:
        if self.state(spec.vmid).running and changed & self.refused:
            raise GuestError("the engine says no")
        super().update(spec, changed)
        return frozenset(changed & self.late)


@dataclass
class World:
    node: Node
    runtime: Stubborn

    def put(self, **settings: str) -> None:
        guest_update.apply(self.node, guest_update.Change(ROOT, 110, settings, (), (), None))

    def delete(self, *keys: str) -> None:
        guest_update.apply(self.node, guest_update.Change(ROOT, 110, {}, keys, (), None))

    def end(self, upid: str) -> str:
        assert self.node.tasks.wait(upid, 5)
        return str(self.node.tasks.status(upid)["exitstatus"])

    def start(self) -> None:
        assert self.end(guest_power.start(self.node, ROOT, 110, skiplock=False)) == "OK"

    def stop(self) -> None:
        assert self.end(guest_power.stop(self.node, ROOT, 110, skiplock=False)) == "OK"


@pytest.fixture
def world() -> Iterator[World]:
    runtime = Stubborn()
    with fixture.serve(runtime) as served:
        found = World(served.node, runtime)
        given = {"vmid": "110", "ostemplate": f"local:vztmpl/{STANDARD[0].name}", "rootfs": "local-lvm:1"}
        asked = guest_create.request(ROOT, {**given, "features": "nesting=1", "memory": "512"})
        assert found.end(guest_create.create(served.node, asked)) == "OK"
        yield found


def test_what_the_runtime_refuses_is_told_and_stays_pending(world: World) -> None:
    world.runtime.refused.add("memory")
    world.start()
    with pytest.raises(ApiError) as refused:
        world.put(memory="300")
    assert refused.value.errors == {"memory": "unable to hotplug memory: the engine says no\n"}
    guest = world.node.guests.load(110)
    assert (guest.config["memory"], guest.pending["memory"]) == ("512", "300")


def test_what_the_runtime_puts_off_waits_for_the_next_start(world: World) -> None:
    world.runtime.late.add("mp0")
    world.start()
    world.put(mp0="local-lvm:1,mp=/data")
    guest = world.node.guests.load(110)
    assert ("mp0" in guest.config, "mp0" in guest.pending) == (False, True)
    world.stop()
    world.start()
    guest = world.node.guests.load(110)
    assert guest.config["mp0"].startswith("local-lvm:vm-110-disk-1,mp=/data")
    assert not guest.pending


def test_a_replaced_mount_point_is_made_at_the_next_start(world: World) -> None:
    world.put(mp0="local-lvm:1,mp=/data")
    world.start()
    world.put(mp0="local-lvm:2,mp=/data")
    assert world.node.guests.load(110).config["mp0"].endswith("size=1G")
    world.stop()
    world.start()
    guest = world.node.guests.load(110)
    assert guest.config["mp0"].endswith("size=2G")
    assert guest.config["unused0"] == "local-lvm:vm-110-disk-1"


def test_a_pending_removal_happens_at_the_next_start(world: World) -> None:
    world.put(nameserver="192.0.2.1")
    world.start()
    world.delete("nameserver")
    guest = world.node.guests.load(110)
    assert ("nameserver" in guest.config, "nameserver" in guest.merged) == (True, False)
    world.stop()
    world.start()
    assert "nameserver" not in world.node.guests.load(110).config


def test_an_unused_volume_goes_for_good_when_its_key_is_removed(world: World) -> None:
    world.put(mp0="local-lvm:1,mp=/data")
    world.delete("mp0")
    volume = world.node.guests.load(110).config["unused0"]
    assert volume in world.node.storages.volumes
    world.delete("unused0")
    assert volume not in world.node.storages.volumes
