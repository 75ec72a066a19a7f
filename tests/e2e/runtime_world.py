"""A node's runtime with real containers, and a key to them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

from docker.client import DockerClient

from harness.embedded.engine import client as engine
from harness.embedded.engine import image, labels, networks
from harness.embedded.node.docker import cleanup
from harness.embedded.node.docker_runtime import DockerRuntime
from harness.embedded.node.runtime import Bridge, GuestNet, GuestSpec
from harness.kit.clock import Deadline, wait_until

READY_SECONDS = 40.0


def silent(_line: str) -> None:
    """No task log."""


def free_network(avoid: IPv4Network | None = None) -> IPv4Network:
    """A network that nothing on this machine has."""
    taken, _ = networks.host_network_facts()
    start = 100 + os.getpid() % 100
    for third in range(start, start + 50):
        network = IPv4Network(f"10.143.{third}.0/24")
        if network != avoid and not any(network.overlaps(other) for other in taken):
            return network
    raise AssertionError("no free network")


@dataclass(frozen=True)
class Ground:
    """One node's runtime with a key to its containers."""

    runtime: DockerRuntime
    client: DockerClient
    name: str
    state: Path
    network: IPv4Network
    image: str
    key: Path

    def address(self, vmid: int) -> IPv4Address:
        return self.network.network_address + vmid - 90

    def spec(self, vmid: int, **changes: object) -> GuestSpec:
        """A small container, its address by its VMID."""
        gateway = self.network.network_address + 1
        address = IPv4Interface(f"{self.address(vmid)}/24")
        net = GuestNet(0, "eth0", "vmbr0", f"BC:24:11:00:00:{vmid - 100:02X}", address, gateway)
        keys = self.key.with_suffix(".pub").read_text()
        plain = GuestSpec(vmid, f"guest{vmid}", self.image, 1, None, 256, 64, nets=(net,), ssh_public_keys=keys)
        return replace(plain, **changes)  # type: ignore[arg-type]

    def try_ssh(self, address: IPv4Address, command: str) -> str | None:
        """Output of a command as root over ssh, or None when it cannot be run."""
        known = self.state / f"known_hosts_{address}"
        options = [
            "BatchMode=yes",
            "ConnectTimeout=2",
            "StrictHostKeyChecking=accept-new",
            f"UserKnownHostsFile={known}",
        ]
        flags = [part for option in options for part in ("-o", option)]
        argv = ["ssh", "-q", "-F", "none", "-i", str(self.key), *flags, f"root@{address}", command]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        return f"{done.stdout} " if done.returncode == 0 else None

    def ssh(self, vmid: int, command: str) -> str:
        """The same, waiting for a container that is starting."""
        what = f"ssh to {vmid}: {command}"
        return wait_until(lambda: self.try_ssh(self.address(vmid), command), Deadline(READY_SECONDS), what).strip()

    def forget_hosts(self) -> None:
        """Take host keys anew: two tests may give containers of theirs the same address."""
        for file in self.state.glob("known_hosts_*"):
            file.unlink()

    def up(self, spec: GuestSpec) -> None:
        """Create and start."""
        self.runtime.create(spec, silent)
        self.runtime.start(spec.vmid, silent)


@contextmanager
def opened(state: Path, name: str) -> Iterator[Ground]:
    """A runtime of the test's own; nothing of it is left."""
    key = state / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    with engine.opened() as client:
        runtime = DockerRuntime(state / "node", name, client)
        network = free_network()
        try:
            runtime.prepare_bridges([Bridge("vmbr0", IPv4Interface(f"{network.network_address + 1}/24"))])
            base = image.ensure_base(client, "13", print)
            yield Ground(runtime, client, name, state, network, base, key)
        finally:
            cleanup.remove_all(client, name)
        assert remains(client, name) == []


def remains(client: DockerClient, name: str, vmid: int | None = None) -> list[str]:
    """What Docker still has of a node, or of one of its containers."""
    wanted = labels.of_guest(name, vmid) if vmid else labels.of_instance(name)
    found = [entry["Id"] for entry in client.api.containers(all=True, filters=wanted)]
    found += [entry["Id"] for entry in client.api.images(filters=wanted)]
    found += [entry["Name"] for entry in client.api.volumes(filters=wanted)["Volumes"] or []]
    return found + [entry["Name"] for entry in client.api.networks(filters=wanted)]
