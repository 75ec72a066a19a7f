"""The way to a target that is known before the repository is read: where it is, and who we are there."""

from __future__ import annotations

import json

from harness.config.settings import ProxmoxSettings, Settings
from harness.config.share import Share
from harness.kit.errors import UnreachableError
from harness.kit.secret import Secret
from harness.pve.client import Credentials, Endpoint, Pve


def way(settings: Settings, share: Share) -> Pve | None:
    """The way to the target; None for an embedded node of this machine, which may have to be started first."""
    known = node_elsewhere(share) if settings.embedded_target else access(settings.proxmox)
    return Pve(*known) if known is not None else None


def node_elsewhere(share: Share) -> tuple[Endpoint, Credentials] | None:
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


def access(proxmox: ProxmoxSettings) -> tuple[Endpoint, Credentials]:
    """Where a Proxmox VE host is and who we are there."""
    assert proxmox.host is not None
    endpoint = Endpoint(proxmox.host, proxmox.port, proxmox.fingerprint)
    return endpoint, Credentials(proxmox.user, proxmox.password, proxmox.token, proxmox.secret)
