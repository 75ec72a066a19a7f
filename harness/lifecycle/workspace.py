"""The repository, its settings and the target they name, opened together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.config.settings import Settings
from harness.config.settings_file import load_settings
from harness.config.share import Share
from harness.inventory.load import load_inventory
from harness.inventory.model import Inventory
from harness.kit.secret import Secret
from harness.lifecycle import trust, way
from harness.lifecycle.revision import Revisions
from harness.pve.client import Pve
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
        known = way.way(settings, share)
        inventory = _inventory(root, settings, share, stage, fresh=start_node and known is None)
        login, password = share.credentials(settings)
        pve = known or _own_node(settings, share, inventory, say if start_node else None)
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
            authority=trust.certificate(self.share),
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
        from harness.lifecycle import own_node  # noqa: PLC0415 - loads the engine's client

        facts = own_node.facts(settings)
    remembered = share.networks() if settings.embedded_target else {}
    inventory = load_inventory(root, settings, stage=stage, network_facts=facts, remembered=remembered)
    if facts is not None:
        share.remember_networks(inventory.networks)
    return inventory


def _own_node(settings: Settings, share: Share, inventory: Inventory, say: Say | None) -> Pve:
    from harness.lifecycle import own_node  # noqa: PLC0415 - loads the engine's client

    return own_node.open_node(settings, share, inventory, say)
