"""One agent a container, over the connections of this process."""

from __future__ import annotations

from testinfra.host import Host

from harness.inventory.model import Container
from harness.kit.clock import Deadline
from harness.remote.pool import Pool
from harness.verify.agent import Agent
from harness.verify.backend import make_host

USER = "config"
"""As whom the harness logs in from *base* on."""
_CONNECT_SECONDS = 15.0


class Agents:
    """Holds agents until ``close``; the pool is its owner's to close."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._agents: dict[int, Agent] = {}

    def of(self, container: Container) -> Agent:
        """The agent in ``container``; it starts with its first command. Raises ``RemoteError``."""
        address = str(container.address.ip)
        connection = self._pool.get(container.vmid, address, USER, deadline=Deadline(_CONNECT_SECONDS))
        held = self._agents.get(container.vmid)
        if held is not None and held.connection is connection:
            return held
        if held is not None:
            held.close()
        self._agents[container.vmid] = Agent(connection)
        return self._agents[container.vmid]

    def close(self) -> None:
        """End them all."""
        for agent in self._agents.values():
            agent.close()
        self._agents.clear()


def host_of(agents: Agents, container: Container) -> Host:
    """testinfra's host for ``container``."""
    return make_host(container.name, agents.of(container))
