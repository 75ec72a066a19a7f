"""A node killed at each step of what it does to containers comes back whole, and nothing half made stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.embedded.engine import client as engine
from harness.embedded.engine import labels
from harness.embedded.node.docker.names import Names
from harness.embedded.node.guest_config import Config
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_disks
from harness.embedded.node.tasks import UNEXPECTED
from tests.e2e import crash_world
from tests.e2e.crash_world import OTHER, SOURCE
from tests.e2e.runtime_world import free_network

ROOT = Path(__file__).parents[2]
MOST_STEPS = 40


@dataclass(frozen=True)
class Place:
    """Where a node lives that is killed again and again."""

    state: Path
    name: str
    bridge: str

    def killed(self, action: str, step: int) -> bool:
        """Carry an action out in a process that dies at a step; False when it got to its end."""
        arguments = [str(self.state), self.name, self.bridge, action, str(step)]
        argv = [sys.executable, "-m", "tests.e2e.crash_world", *arguments]
        run = subprocess.run(argv, cwd=ROOT, check=False, capture_output=True, text=True, timeout=180)
        assert run.returncode in (0, -signal.SIGKILL), run.stderr
        return run.returncode != 0

    def made(self) -> list[str]:
        """Everything that Docker has of the node, but the images that its containers stand on."""
        wanted = labels.of_instance(self.name)
        with engine.opened() as client:
            listed = client.api.containers(all=True, filters=wanted)
            found, used = [entry["Names"][0].lstrip("/") for entry in listed], {entry["ImageID"] for entry in listed}
            paused = [entry["Id"] for entry in client.api.containers(filters={**wanted, "status": "paused"})]
            assert paused == []
            for entry in client.api.images(filters=wanted):
                tags = entry["RepoTags"] or ["untagged"]
                ground = [tag for tag in tags if ":state-" in tag and entry["Id"] in used]
                found += [f"image {tag.rpartition('/')[2]}" for tag in tags if tag not in ground]
            found += [entry["Name"] for entry in client.api.volumes(filters=wanted)["Volumes"] or []]
        return sorted(found)

    def expected(self, node: Node) -> list[str]:
        """What there should be for the containers and snapshots that the node knows."""
        names, found = Names(self.name), []
        for guest in node.guests.all():
            found.append(names.container(guest.vmid))
            found += [names.volume(volume) for volume in volumes(node, guest.config)]
            for snapshot, config in guest.snapshots.items():
                found.append(f"image {guest.vmid}:snapshot-{snapshot}")
                found += [names.volume(volume, snapshot) for volume in volumes(node, config)]
        return sorted(found)


def volumes(node: Node, config: Config) -> list[str]:
    """What the mount points of a configuration are."""
    return [disk.volume for disk in guest_disks.of_config(node, config) if disk.key != "rootfs"]


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    name = f"test-q{os.getpid()}-{sum(map(ord, request.node.name)) % 1000}"
    network = free_network()
    found = Place(tmp_path, name, f"{network.network_address + 1}/24")
    try:
        yield found
    finally:
        crash_world.destroyed(name)


def prepare(node: Node, action: str) -> None:
    """Have what the action needs."""
    if action != "create" and node.guests.find(SOURCE) is None:
        crash_world.done(node, "create")
    if action in ("snapshot", "backup") and not node.is_running(SOURCE):
        node.runtime.start(SOURCE, lambda _line: None)
    if action in ("rollback", "delete-snapshot") and "old" not in node.guests.load(SOURCE).snapshots:
        crash_world.finished(node, crash_world.guest_snapshots.create(node, "root@pam", SOURCE, "old", ""))


def check(place: Place, node: Node, action: str) -> None:
    """Everything is there, free, and nothing besides."""
    assert [guest.lock for guest in node.guests.all() if guest.lock] == []
    if action in ("destroy", "delete-snapshot") and place.made() != place.expected(node):
        # Cut off after the first thing had gone: the node still has it, and it can be removed again.
        crash_world.done(node, action)
    assert place.made() == place.expected(node)
    known = {volume for guest in node.guests.all() for volume in guest_disks.named(node, guest)}
    assert {volid for volid in node.storages.volumes if "-disk-" in volid} == known
    ended = [record["status"] for _, record in node.store.table("task").items()]
    assert UNEXPECTED in ended
    assert list(node.store.table("task-begun")) == []
    assert list((place.state / "runtime/parts").iterdir()) == []


@pytest.mark.parametrize("action", list(crash_world.ACTIONS))
def test_a_node_killed_at_any_step_comes_back_whole(place: Place, action: str):
    step = 0
    while step < MOST_STEPS:
        with crash_world.started(place.state, place.name, place.bridge) as node:
            if step:
                check(place, node, action)
            prepare(node, action)
        if not place.killed(action, step):
            break
        step += 1
    assert 3 <= step < MOST_STEPS
    with crash_world.started(place.state, place.name, place.bridge) as node:
        assert place.made() == place.expected(node)
        for vmid in (SOURCE, OTHER):
            if node.guests.find(vmid) is not None and action != "restore":  # what was restored has no init
                node.runtime.start(vmid, lambda _line: None)
                assert node.is_running(vmid)
