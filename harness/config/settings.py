"""What ``local/config.json`` says: the Proxmox VE host, the embedded stand-in, and the global login."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from pathlib import Path

from harness.config.origin import Origin
from harness.kit.secret import Secret


@dataclass(frozen=True, slots=True)
class ProxmoxSettings:
    """How to reach Proxmox VE and where containers go there. ``host`` None means: the embedded node."""

    host: str | None = None
    port: int = 8006
    user: str = "root@pam"
    password: Secret | None = None
    token: str | None = None
    """Token name (``ci``) or full id (``root@pam!ci``)."""
    secret: Secret | None = None
    fingerprint: str | None = None
    """SHA-256 of the server's certificate, ``AB:CD:…``; None: the certificate must verify against a known CA."""
    nodes: tuple[str, ...] = ("pve",)
    gateway: IPv4Address | None = None
    """None: the first host address of each container's own network."""
    mask: int = 24
    interface: str = "eth0"
    bridge: str = "vmbr0"
    storage: str = "local"
    """Storage that holds templates."""
    template: str = "debian-13-standard"


@dataclass(frozen=True, slots=True)
class EmbeddedSettings:
    """The embedded node of this checkout."""

    port: int = 8006
    name: str = "gitops"
    """Prefix of everything the node makes in Docker; two nodes on one machine need two names."""


@dataclass(frozen=True, slots=True)
class ControlPlaneSettings:
    """The control plane in local Docker."""

    address: str = "127.0.0.1"
    """Address of this machine that its forge is published on."""
    port: int = 8080


EMBEDDED = "embedded"
GITEA = "gitea"


@dataclass(frozen=True, slots=True)
class GiteaSettings:
    """Which official releases a control plane runs where ``forge`` is ``gitea``."""

    version: str = "1.26.4"
    sha256: tuple[str, ...] = ()
    """What the packed release's digest must be: one for each architecture in use."""
    runner_version: str = "0.2.13"
    runner_sha256: tuple[str, ...] = ()
    mirror: str = "https://dl.gitea.com"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything outside the containers' own files."""

    proxmox: ProxmoxSettings = ProxmoxSettings()
    embedded: EmbeddedSettings = EmbeddedSettings()
    control_plane: ControlPlaneSettings = ControlPlaneSettings()
    forge: str = EMBEDDED
    """What control planes run as their forge: ``EMBEDDED`` or ``GITEA``."""
    gitea: GiteaSettings = GiteaSettings()
    login: str = "admin"
    password: Secret | None = None
    """None: one is made at random at the first run and kept in the share directory, mode 0600."""
    cinc_mirror: str | None = None
    file: Path | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """By dotted key: ``proxmox.host``, ``login``."""
    notes: tuple[str, ...] = ()
    """What the loader decided between two things that were both said."""

    @property
    def embedded_target(self) -> bool:
        """Whether runs go to the embedded node."""
        return self.proxmox.host is None

    @property
    def releases(self) -> tuple[str, ...]:
        """What tells one forge of control planes from another; empty for the embedded one."""
        gitea = self.gitea
        return () if self.forge != GITEA else (gitea.version, *gitea.sha256, gitea.runner_version, *gitea.runner_sha256)

    @property
    def target(self) -> str:
        """The name that state is kept under: ``embedded``, or ``<host>-<port>`` of a Proxmox VE host."""
        if self.proxmox.host is None:
            return "embedded"
        return re.sub(r"[^A-Za-z0-9._-]", "_", f"{self.proxmox.host}-{self.proxmox.port}")

    def on_embedded_node(self, *, port: int | None = None, name: str | None = None) -> Settings:
        """The same settings for an embedded node, whatever host they name: what belongs to that host is dropped."""
        mine, defaults = self.proxmox, ProxmoxSettings()
        proxmox = replace(
            defaults, gateway=mine.gateway, mask=mine.mask, interface=mine.interface, template=mine.template
        )
        embedded = EmbeddedSettings(port or self.embedded.port, name or self.embedded.name)
        dropped = {"host", "port", "user", "password", "token", "secret", "fingerprint", "node", "bridge", "storage"}
        origins = {
            key: origin for key, origin in self.origins.items() if key not in {f"proxmox.{name}" for name in dropped}
        }
        return replace(self, proxmox=proxmox, embedded=embedded, origins=origins)
