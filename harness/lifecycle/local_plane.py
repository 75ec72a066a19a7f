"""The local control plane of a workspace: brought up, given its work, found again, stopped, removed."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final

from docker.client import DockerClient

from harness.controlplane import container as local
from harness.controlplane.container import Bridge, ControlPlane, Place
from harness.controlplane.kit import ACCOUNT
from harness.controlplane.luggage import merge_keys
from harness.controlplane.program import Program
from harness.controlplane.reach import DockerReach
from harness.embedded import launch
from harness.embedded.engine import client as engine
from harness.embedded.engine import install
from harness.embedded.engine.files import File
from harness.embedded.engine.system import Systems
from harness.embedded.node.docker.names import Names
from harness.forge.client import Address, Forge, Login
from harness.lifecycle import handover
from harness.lifecycle.handover import Recipient
from harness.lifecycle.seeding.report import Seeded
from harness.lifecycle.workspace import Say, Workspace

_ENGINE_SECONDS: Final = 600.0
"""For one answer of the engine: committing an image takes its time."""


@dataclass(frozen=True, slots=True)
class LocalPlane:
    """A local control plane that has the monorepo."""

    control_plane: ControlPlane
    seeded: Seeded

    @property
    def pull_request(self) -> str | None:
        """Address of the release pull request of ``main/config``; None when all of it is released."""
        top = next((entry for entry in self.seeded.repositories if entry.slug == "main/config"), None)
        if top is None or top.release is None:
            return None
        return f"{self.control_plane.url}/main/config/pulls/{top.release.number}"


def place_of(workspace: Workspace) -> Place:
    """Which control plane belongs to this checkout."""
    return Place.of(workspace.share.path.parent, workspace.settings.embedded.name)


def bring_up(workspace: Workspace, say: Say) -> LocalPlane:
    """Have the control plane run with this harness, these credentials and this working tree; again: does nothing.

    Raises ``UnreachableError`` when engine, image or forge cannot be had, what seeding raises, ``UsageError`` when the
    name belongs to another checkout.
    """
    place = place_of(workspace)
    install.ensure_engine(say, place.state).close()
    with closing(engine.connect(_ENGINE_SECONDS)) as client:
        merge_keys(workspace.share, local.take_keys(client, place, workspace.target))
        found = local.ensure(
            client,
            place,
            handover.luggage(workspace, say),
            Program.of(workspace.root),
            say,
            bridge=_bridge(client, workspace),
        )
        return _hand_over(client, workspace, found, say)


def _bridge(client: DockerClient, workspace: Workspace) -> Bridge | None:
    """The embedded node's bridge, where it is a network of this very engine."""
    if not workspace.settings.embedded_target:
        return None
    network = Names(workspace.settings.embedded.name).network(launch.BRIDGE)
    taken: frozenset[IPv4Address] = frozenset(one.address.ip for one in workspace.inventory.containers)
    return Bridge(network, taken) if Systems(client).has_network(network) else None


def _hand_over(client: DockerClient, workspace: Workspace, found: ControlPlane, say: Say) -> LocalPlane:
    reach = DockerReach(Systems(client), found.container)
    address = Address(found.url)
    with closing(Forge(address, Login(found.login, password=found.password))) as admin:
        introduce_runner(admin, reach, local.programs_of(workspace.settings, client).registration)
    port = workspace.settings.control_plane.port
    for_containers = f"http://{found.address}:{port}" if found.address else None
    recipient = Recipient(address, reach, f"http://127.0.0.1:{port}", for_containers)
    seeded = handover.hand_over(workspace, recipient, say, all_requests=False)
    return LocalPlane(found, seeded)


def introduce_runner(admin: Forge, reach: DockerReach, file: str) -> None:
    """Give the runner the token by which it registers, once."""
    if reach.read(file):
        return
    token = str(admin.post("admin/actions/runners/registration-token")["token"])
    reach.put([File(file, f"{token}\n".encode(), 0o600, ACCOUNT)])
    reach.run("systemctl", "restart", "gitops-runner.service")


def stop(place: Place) -> bool:
    """Stop the control plane and free the node's bridge; whether there was one running. Its data stays."""
    with engine.opened() as client:
        return local.stop(client, place)


def destroy(place: Place, *, data: bool) -> None:
    """Remove the container; with ``data`` repositories, variables, history and images too."""
    with engine.opened(_ENGINE_SECONDS) as client:
        local.destroy(client, place, data=data)
