"""The repository, its settings and the target they name, opened together."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.config.settings import ProxmoxSettings, Settings
from harness.config.settings_file import load_settings
from harness.config.share import Share
from harness.embedded import launch
from harness.embedded.engine.networks import host_network_facts
from harness.inventory.load import load_inventory
from harness.inventory.model import Inventory
from harness.inventory.network import NetworkFacts
from harness.kit.errors import UnreachableError
from harness.kit.secret import Secret
from harness.lifecycle.revision import Revisions
from harness.pve.client import Credentials, Endpoint, Pve
from harness.remote.pool import Pool
from harness.repo import git, identity
from harness.repo.tree import Tree

Say = Callable[[str], None]


@dataclass(frozen=True)
class Workspace:
    """Everything that commands and stages work with. One for each process."""

    root: Path
    settings: Settings
    inventory: Inventory
    share: Share
    pve: Pve
    monorepo: str
    commit: str | None
    """Short form, ``+`` behind it when files differ from it; None without git."""
    login: str
    password: Secret

    @classmethod
    def open(
        cls, root: Path, environ: Mapping[str, str], *, stage: str | None = None, start_node: bool, say: Say
    ) -> Workspace:
        """Load and check everything, then find the target; an embedded node is started when ``start_node``.

        Without ``start_node`` (a worker of a run) nothing is started and nothing decided anew: the network that was
        chosen is taken from the share directory. Raises ``ConfigurationError`` before anything is touched,
        ``UnreachableError`` when the target does not answer.
        """
        settings = load_settings(root, environ)
        share = Share.for_target(root, settings, environ)
        elsewhere = _node_elsewhere(share) if settings.embedded_target else None
        inventory = _inventory(root, settings, share, stage, fresh=start_node and elsewhere is None)
        login, password = share.credentials(settings)
        if elsewhere is not None:
            pve = Pve(*elsewhere)
        elif settings.embedded_target:
            pve = _embedded(settings, share, inventory, say if start_node else None)
        else:
            pve = Pve(*_access(settings.proxmox))
        monorepo = identity.monorepo_id(root, create=True)
        assert monorepo is not None
        commit = git.commit(root)
        label = commit.label if commit else None
        return cls(root, settings, inventory, share, pve, monorepo, label, login, password)

    @property
    def target(self) -> str:
        """``embedded``, or ``<host>-<port>``."""
        return self.settings.target

    @property
    def credentials_place(self) -> Path:
        """The file that holds the containers' login and password."""
        configured = self.settings.password is not None and self.settings.file is not None
        return self.settings.file if configured and self.settings.file else self.share.login_file

    @property
    def revisions(self) -> Revisions:
        """Computes revisions from the files as they are now."""
        return Revisions(
            self.inventory,
            Tree(self.root),
            login=self.login,
            password=self.password,
            key=self.share.revision_key(),
            mirror=self.settings.cinc_mirror,
            forge=self.settings.releases,
        )

    @cached_property
    def connections(self) -> Pool:
        """The ssh connections of this process."""
        return Pool(self.share.keys, self.share.known_hosts)

    def close(self) -> None:
        """Give back connections."""
        if "connections" in self.__dict__:
            self.connections.close()
        self.pve.close()


def _inventory(root: Path, settings: Settings, share: Share, stage: str | None, *, fresh: bool) -> Inventory:
    """The inventory; on an embedded node its network is checked against the machine's, and remembered."""
    facts = None
    if settings.embedded_target and fresh:
        facts = NetworkFacts(*host_network_facts(settings.embedded.name))
    remembered = share.networks() if settings.embedded_target else {}
    inventory = load_inventory(root, settings, stage=stage, network_facts=facts, remembered=remembered)
    if facts is not None:
        share.remember_networks(inventory.networks)
    return inventory


def way(settings: Settings, share: Share) -> Pve | None:
    """The way to a target that is known before the inventory is read; None for an embedded node of this machine."""
    known = _node_elsewhere(share) if settings.embedded_target else _access(settings.proxmox)
    return Pve(*known) if known is not None else None


def _node_elsewhere(share: Share) -> tuple[Endpoint, Credentials] | None:
    """The embedded node of another machine, for a control plane that was told of one; None on that machine itself.

    Whoever is told starts no node, asks nothing of Docker and takes the networks as they were chosen there.
    """
    if not share.node_access.exists():
        return None
    try:
        told = json.loads(share.node_access.read_text())
        endpoint = Endpoint(told["host"], int(told["port"]), told["fingerprint"], "what the workstation handed over")
        return endpoint, Credentials(told["user"], Secret(told["password"]))
    except (ValueError, KeyError, TypeError) as damaged:
        hint = "hand over again from the workstation: ./run local"
        raise UnreachableError(f"{share.node_access} does not say where the node is", hint=hint) from damaged


def _embedded(settings: Settings, share: Share, inventory: Inventory, say: Say | None) -> Pve:
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


def _access(proxmox: ProxmoxSettings) -> tuple[Endpoint, Credentials]:
    """Where a Proxmox VE host is and who we are there."""
    assert proxmox.host is not None
    endpoint = Endpoint(proxmox.host, proxmox.port, proxmox.fingerprint)
    return endpoint, Credentials(proxmox.user, proxmox.password, proxmox.token, proxmox.secret)
