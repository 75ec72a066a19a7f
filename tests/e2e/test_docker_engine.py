"""The engine dies and comes back: the node has everything again, and nothing half made."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import docker
import pytest
from docker.client import DockerClient

from harness.embedded.engine import client as engine
from harness.embedded.engine import image
from harness.embedded.node import recovery
from harness.embedded.node.docker_runtime import DockerRuntime
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_destroy, guest_snapshots
from harness.kit.clock import Deadline, wait_until
from tests.e2e import crash_world
from tests.e2e.crash_world import OTHER, SOURCE
from tests.e2e.runtime_world import free_network, remains, silent

NAME = "own"


class Engine:
    """An engine of the test's own, that touches neither the machine's engine nor its firewall."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self.client = docker.DockerClient(base_url=f"unix://{directory}/sock", version="1.41", timeout=60)

    def start(self) -> None:
        places = [f"--{name}={self._directory / place}" for name, place in PLACES.items()]
        # In a network of its own: without a default bridge it takes away the one it finds, which is another engine's.
        argv = ["unshare", "--net", "dockerd", *places, f"--host=unix://{self._directory}/sock"]
        argv += ["--bridge=none", "--iptables=false"]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)
        wait_until(self._listens, Deadline(30), "the engine")
        assert self.client.ping()

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._directory / "sock")) == 0

    def end(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(30)
        if number == signal.SIGKILL:
            self._take_along(self._directory / "exec/containerd/containerd.pid")
            (self._directory / "pid").unlink(missing_ok=True)

    def _take_along(self, file: Path) -> None:
        """The engine's own helper dies with it; its number may be that of a process nobody has waited for."""
        with suppress(ProcessLookupError, FileNotFoundError):
            os.kill(int(file.read_text()), signal.SIGKILL)
        file.unlink(missing_ok=True)

    def load(self) -> None:
        """Give it the base image of the machine's engine."""
        with engine.opened() as other:
            ref = image.ensure_base(other, "13", print)
            self.client.images.load(b"".join(other.api.get_image(ref)))


PLACES = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Engine]:
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip("an engine of one's own needs root and dockerd")
    directory = Path("/tmp") / f"engine-{os.getpid()}"  # a socket's path may not be long
    directory.mkdir(mode=0o700)
    found = Engine(directory)
    found.start()
    try:
        found.load()
        yield found
    finally:
        for one in found.client.api.containers(all=True, quiet=True):
            found.client.api.remove_container(one["Id"], force=True)
        for network in found.client.api.networks(names=[f"{NAME}-vmbr0"]):
            found.client.api.remove_network(network["Id"])
        found.end(signal.SIGTERM)
        found.client.close()
        gc.collect()
        mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        for place in sorted((place for place in mounted if place.startswith(f"{directory}/")), reverse=True):
            subprocess.run(["umount", place], check=True)
        shutil.rmtree(directory)


def node_on(client: DockerClient, state: Path, bridge: str) -> Node:
    node = crash_world.node_of(state, bridge, DockerRuntime(state, NAME, client))
    node.runtime.prepare_bridges(node.options.bridges)
    recovery.mend(node)
    return node


# The library leaves a socket open that could not be connected; it goes with the next collection.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning")
def test_a_node_outlives_its_engine(own: Engine, tmp_path: Path) -> None:
    bridge = f"{free_network().network_address + 1}/24"
    node = node_on(own.client, tmp_path, bridge)
    crash_world.done(node, "create")
    node.runtime.start(SOURCE, silent)
    crash_world.done(node, "snapshot")
    node.runtime.stop(SOURCE)
    upid = crash_world.clone(node)
    wait_until(lambda: len(node.tasks.log(upid, 0, None)[0]) > 1, Deadline(30), "the clone")
    own.end(signal.SIGKILL)
    assert crash_world.finished(node, upid).startswith("clone failed: ")
    assert node.guests.find(OTHER) is None
    assert node.guests.load(SOURCE).lock is None
    own.start()
    crash_world.done(node, "clone")
    for vmid in (SOURCE, OTHER):
        node.runtime.start(vmid, silent)
        assert node.is_running(vmid)
    own.end(signal.SIGKILL)
    own.start()
    node.store.close()
    node = node_on(own.client, tmp_path, bridge)
    assert set(node.runtime.states()) == {SOURCE, OTHER}
    upid = guest_snapshots.rollback(node, "root@pam", SOURCE, "new", start=True)
    assert crash_world.finished(node, upid) == "OK"
    assert node.is_running(SOURCE)
    for vmid in (SOURCE, OTHER):
        upid = guest_destroy.destroy(node, "root@pam", vmid, force=True, purge=False)
        assert crash_world.finished(node, upid) == "OK"
        assert remains(own.client, NAME, vmid) == []
    node.store.close()
