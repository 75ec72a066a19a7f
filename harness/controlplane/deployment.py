"""What the cookbook of a control plane's container is given: the installation kit and what it is to be called."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.config.settings import Settings
from harness.config.share import Share
from harness.controlplane import programs
from harness.controlplane.account import forge_account
from harness.controlplane.authority import Authority, Server
from harness.controlplane.gitea import releases
from harness.controlplane.kit import Kit
from harness.controlplane.program import Program
from harness.controlplane.wheels import Platform
from harness.inventory.model import Container
from harness.remote.connection import Connection

Say = Callable[[str], None]

ATTRIBUTE = "control_plane"
PORT = 443
PLAIN_PORT = 8080
"""On loopback, for runner and recipes of the container itself."""
_PROBE = ". /etc/os-release && echo $VERSION_ID && dpkg --print-architecture"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A control plane on its way into its container."""

    files: Mapping[str, bytes]
    """To lay into the cookbook, by their path in it."""
    attributes: Mapping[str, Any]
    """To put under ``node['control_plane']``."""


def prepare(
    container: Container,
    *,
    root: Path,
    share: Share,
    login: str,
    connection: Connection,
    say: Say,
    settings: Settings | None = None,
) -> Deployment:
    """Everything for ``container``, whose Debian and architecture are asked over ``connection``.

    Raises ``UnreachableError`` when wheels or releases for it can be had neither here nor from the package index.
    """
    release, architecture = connection.run(_PROBE).text.split()
    platform = Platform.of(release, architecture)
    pair = releases.wanted(settings or Settings(), platform.machine)
    kit = Kit.ensure(Program.of(root), platform, share.path.parent, say, pair)
    run = programs.of(pair, url(container))
    issued = authority(share).issue(container.name, server(container))
    attributes = {
        "environment": kit.environment,
        "program": kit.program.digest,
        "admin": forge_account(login),
        "port": PORT,
        "plain_port": PLAIN_PORT,
        "certificate": issued.certificate,
        "key": issued.key,
        "releases": [release.name for release in pair or ()],
        "forge_module": run.forge,
        "forge_options": run.forge_options,
        "runner_module": run.runner,
        "runner_options": run.runner_options,
        "registration": run.registration,
    }
    return Deployment({"files/kit.tar": pack(kit)}, attributes)


def authority(share: Share) -> Authority:
    """The authority that vouches for the control planes of a target."""
    return Authority(share.authority)


def server(container: Container) -> Server:
    """The names under which people and programs reach a container's forge."""
    names = (f"{container.hostname}.{container.domain}", container.hostname)
    return Server(names, (container.address.ip,))


def url(container: Container) -> str:
    """Address of the forge in ``container``."""
    return f"https://{container.address.ip}"


def pack(kit: Kit) -> bytes:
    """The kit with its script as one tar, the same bytes for the same kit."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for path, data in kit.files():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    return stream.getvalue()
