"""The embedded node of this very machine: its network checked, the node found or started.

Loaded only there: this is where the Docker engine comes in, which a control plane does not have.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.config.settings import Settings
from harness.config.share import Share
from harness.embedded import launch
from harness.embedded.engine.networks import host_network_facts
from harness.inventory.model import Inventory
from harness.inventory.network import NetworkFacts
from harness.kit.errors import UnreachableError
from harness.pve.client import Credentials, Endpoint, Pve


def facts(settings: Settings) -> NetworkFacts:
    """The networks that the node's must not lie over."""
    return NetworkFacts(*host_network_facts(settings.embedded.name))


def open_node(settings: Settings, share: Share, inventory: Inventory, say: Callable[[str], None] | None) -> Pve:
    """The embedded node of this checkout; started when ``say`` is there to tell about it."""
    if say is None:
        access = launch.find(share.node)
        if access is None:
            raise UnreachableError("the embedded node does not run", hint="./run local starts it")
    else:
        assert inventory.bridge is not None
        access = launch.ensure(
            share.node,
            port=settings.embedded.port,
            name=settings.embedded.name,
            network=inventory.bridge.network,
            say=say,
        )
    endpoint = Endpoint(
        access.host,
        access.port,
        access.fingerprint,
        "the embedded node's certificate (`./run down` and `./run local` make a new one)",
        f"`./run local` starts the embedded node again; its log is {share.node / 'node.log'}",
    )
    return Pve(endpoint, Credentials(access.user, access.password))
