"""One bare container with ssh, for tests that need no node, inventory or plan."""

from __future__ import annotations

import os
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

from harness.controlplane.authority import Authority
from harness.embedded.engine import client as engine
from harness.embedded.engine import image
from harness.embedded.node.docker import cleanup
from harness.embedded.node.docker_runtime import DockerRuntime
from harness.embedded.node.runtime import Bridge, GuestNet, GuestSpec
from harness.kit.clock import Deadline
from harness.remote.connection import Connection, connect
from harness.remote.keys import ensure_key

VMID = 150


def _silent(_line: str) -> None:
    """Nobody watches."""


class Single:
    """A started container of Debian ``release`` in 10.187.<third>.0/24."""

    def __init__(self, directory: Path, name: str, third: int, release: str = "13") -> None:
        self._name = f"e2e-{name}-{os.getpid()}"
        self._directory = directory
        self._client = engine.connect()
        self.gateway = f"10.187.{third}.1"
        self.address = f"10.187.{third}.50"
        self.key = ensure_key(directory / "keys", VMID)
        self.authority = Authority(directory / "authority").found().read_text()
        self._opened: list[Connection] = []
        runtime = DockerRuntime(directory / "node", self._name, self._client)
        runtime.prepare_bridges([Bridge("vmbr0", IPv4Interface(f"{self.gateway}/24"))])
        runtime.create(self._spec(release), _silent)
        runtime.start(VMID, _silent)

    def _spec(self, release: str) -> GuestSpec:
        address = IPv4Interface(f"{self.address}/24")
        return GuestSpec(
            vmid=VMID,
            hostname="single",
            image=image.ensure_base(self._client, release, _silent),
            cores=None,
            cpulimit=None,
            memory_mib=1024,
            swap_mib=0,
            nets=(GuestNet(0, "eth0", "vmbr0", "BC:24:11:00:00:50", address, IPv4Address(self.gateway)),),
            ssh_public_keys=self.key.public,
        )

    @staticmethod
    def trusts(connection: Connection, authority: str) -> bool:
        """Whether the container's system vouches for a certificate of that authority, here its own."""
        command = "openssl verify -CApath /etc/ssl/certs /dev/stdin"
        return connection.run(command, stdin=authority.encode(), check=False).code == 0

    def connect(self, user: str, *, first_contact: bool = False) -> Connection:
        """A new connection as ``user``."""
        made = connect(
            self.address,
            user,
            key=self.key.private,
            known_hosts=self._directory / "known_hosts",
            deadline=Deadline(60),
            first_contact=first_contact,
        )
        self._opened.append(made)
        return made

    def close(self) -> None:
        """Take everything down."""
        for connection in self._opened:
            connection.close()
        cleanup.remove_all(self._client, self._name)
        self._client.close()
