"""The image of the local control plane, made in four layers, each again only when its own part changes.

Debian with systemd; tools from apt (the only one that needs a network); the environment with the locked packages; the
harness itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docker.client import DockerClient

from harness.config.settings import Settings
from harness.controlplane import kit as kits
from harness.controlplane.gitea import releases
from harness.controlplane.gitea.releases import Pair
from harness.controlplane.kit import Kit
from harness.controlplane.program import Program
from harness.controlplane.wheels import Platform
from harness.embedded.engine import client as engine
from harness.embedded.engine import image as base_image
from harness.embedded.engine import layers, options
from harness.embedded.engine.files import File, archive
from harness.embedded.engine.labels import INSTANCE, SYSTEM
from harness.embedded.engine.layers import Layer

Say = Callable[[str], None]

RELEASE = "13"
"""The Debian release that the local control plane runs on."""
REPOSITORY = "proxmox-gitops/control-plane"
_LABELS = {SYSTEM: ""}
SUFFIX = "-config"
"""What the Docker name of a control plane has behind the name of its checkout."""
_OLD_SECONDS = 86400.0
"""Images of earlier versions go when they are that old."""
_STAGING = "/opt/gitops-kit"

_TOOLS = """\
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -y -q --no-install-recommends {packages}
apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/apt/* /var/log/dpkg.log
: > /etc/machine-id
"""
_ENVIRONMENT = """\
set -eu
{account}
sh {staging}/install.sh {staging}
rm -rf {staging}
"""
_RELEASES = """\
set -eu
sh {staging}/releases.sh {staging}
rm -rf {staging}
"""
# The units are enabled here; what they are started with comes with the container.
_PROGRAM = """\
set -eu
sh {staging}/install.sh {staging}
rm -rf {staging}
systemctl enable --quiet {units}
systemctl disable --quiet ssh.service ssh.socket 2>/dev/null || true
"""


def ensure(
    client: DockerClient,
    program: Program,
    base: Path,
    say: Say,
    *,
    settings: Settings | None = None,
    ca_bundle: Path | None = None,
) -> str:
    """The image for this very program: reused, or made. What was fetched is kept in folders of ``base``.

    Raises ``UnreachableError`` when Debian's archive or the package index does not answer, and only where they are
    needed.
    """
    platform = Platform.of(RELEASE, machine(client))
    pair = releases.wanted(settings or Settings(), platform.machine)
    debian = base_image.reference(RELEASE, ca_bundle)
    tools = f"{REPOSITORY}-tools:{_digest(debian, *kits.PACKAGES, _TOOLS)}"
    environment = f"{REPOSITORY}-environment:{_digest(tools, program.lock_digest, _installer())}"
    below = f"{REPOSITORY}-gitea:{_digest(environment, *_named(pair))}" if pair else environment
    ref = f"{REPOSITORY}:{_digest(below, program.digest, _units())}"
    if base_image.exists(client, ref):
        return ref
    if not base_image.exists(client, tools):
        base_image.ensure_base(client, RELEASE, say, ca_bundle=ca_bundle)
        layers.ensure(client, debian, _tools(tools), say, f"installing {', '.join(kits.PACKAGES)} with apt")
    kit = Kit.ensure(program, platform, base, say, pair)
    layers.ensure(client, tools, _environment(environment, kit), say, "installing the locked packages")
    if pair:
        layers.ensure(client, environment, _gitea(below, kit), say, "installing Gitea and its runner")
    layers.ensure(client, below, _program(ref, kit), say, "installing the harness into the control plane's image")
    layers.remove(client, _LABELS, keep=frozenset({tools, environment, below, ref}), older_than=_OLD_SECONDS)
    return ref


def remove(client: DockerClient, instance: str) -> int:
    """Remove the images of control planes, unless others on this machine may want them; how many went.

    Others: nodes and control planes of another name than ``instance``.
    """
    api: Any = client.api
    with engine.translated("control planes of this machine"):
        networks = api.networks(filters={"label": [INSTANCE]})
        volumes = api.volumes(filters={"label": [SYSTEM]})["Volumes"] or []
    others = {network["Labels"][INSTANCE] for network in networks}
    others |= {volume["Labels"][SYSTEM].removesuffix(SUFFIX) for volume in volumes}
    return layers.remove(client, _LABELS) if others <= {instance} else 0


def machine(client: DockerClient) -> str:
    """The architecture of the machine that containers run on."""
    return options.read_facts(client.info()).architecture


def _tools(ref: str) -> Layer:
    hint = "containers must reach deb.debian.org over http: check proxy and firewall, then run again"
    script = _TOOLS.format(packages=" ".join(kits.PACKAGES))
    return Layer(ref, script, network=True, labels=_LABELS, hint=hint)


def _environment(ref: str, kit: Kit) -> Layer:
    script = _ENVIRONMENT.format(staging=_STAGING, account=kits.script("account.sh"))
    return Layer(ref, script, _staged(kit, leave="releases/"), labels=_LABELS)


def _gitea(ref: str, kit: Kit) -> Layer:
    return Layer(ref, _RELEASES.format(staging=_STAGING), _staged(kit, leave="wheels/"), labels=_LABELS)


def _program(ref: str, kit: Kit) -> Layer:
    script = _PROGRAM.format(staging=_STAGING, units=" ".join(kits.UNITS))
    units = [File(f"etc/systemd/system/{name}", (kits.FILES / name).read_bytes(), 0o644) for name in kits.UNITS]
    return Layer(ref, script, _staged(kit, *units, leave=("wheels/", "releases/")), labels=_LABELS)


def _staged(kit: Kit, *more: File, leave: str | tuple[str, ...]) -> bytes:
    """The kit in its directory, without the large folders that another layer installs."""
    wanted = (entry for entry in kit.files() if not entry[0].startswith(leave))
    files = [File(f"{_STAGING}/{path}", data, 0o644) for path, data in wanted]
    return archive([*files, *more])


def _installer() -> str:
    return kits.script(kits.INSTALLER) + kits.script("account.sh") + _ENVIRONMENT


def _named(pair: Pair) -> tuple[str, ...]:
    """What tells one layer of releases from another."""
    digests = (digest for release in pair for digest in sorted(release.digests))
    return (*(release.name for release in pair), *digests, kits.script(kits.UNPACKER) + _RELEASES)


def _units() -> str:
    return _PROGRAM + "".join(kits.script(name) for name in kits.UNITS)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
