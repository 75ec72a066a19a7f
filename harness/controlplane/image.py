"""The image of the local control plane, made in four layers, each again only when its own part changes.

Debian with systemd; tools from apt (the only one that needs a network); the environment with the locked packages; the
harness itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from docker.client import DockerClient

from harness.controlplane import kit as kits
from harness.controlplane.kit import Kit
from harness.controlplane.program import Program
from harness.controlplane.wheels import Platform
from harness.embedded.engine import image as base_image
from harness.embedded.engine import layers, options
from harness.embedded.engine.labels import SYSTEM
from harness.embedded.engine.layers import Layer
from harness.embedded.engine.system import File, archive

Say = Callable[[str], None]

RELEASE = "13"
"""The Debian release that the local control plane runs on."""
REPOSITORY = "proxmox-gitops/control-plane"
_LABELS = {SYSTEM: ""}
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
# The units are enabled here; what they are started with comes with the container.
_PROGRAM = """\
set -eu
sh {staging}/install.sh {staging}
rm -rf {staging}
systemctl enable --quiet {units}
systemctl disable --quiet ssh.service ssh.socket 2>/dev/null || true
"""


def ensure(client: DockerClient, program: Program, cache: Path, say: Say, *, ca_bundle: Path | None = None) -> str:
    """The image for this very program: reused, or made. Wheels are kept in ``cache``.

    Raises ``UnreachableError`` when Debian's archive or the package index does not answer, and only where they are
    needed.
    """
    platform = Platform.of(RELEASE, _machine(client))
    base = base_image.reference(RELEASE, ca_bundle)
    tools = f"{REPOSITORY}-tools:{_digest(base, *kits.PACKAGES, _TOOLS)}"
    environment = f"{REPOSITORY}-environment:{_digest(tools, program.lock_digest, _installer())}"
    ref = f"{REPOSITORY}:{_digest(environment, program.digest, _units())}"
    if base_image.exists(client, ref):
        return ref
    if not base_image.exists(client, tools):
        base_image.ensure_base(client, RELEASE, say, ca_bundle=ca_bundle)
        layers.ensure(client, base, _tools(tools), say, f"installing {', '.join(kits.PACKAGES)} with apt")
    kit = Kit.ensure(program, platform, cache, say)
    layers.ensure(client, tools, _environment(environment, kit), say, "installing the locked packages")
    layers.ensure(client, environment, _program(ref, kit), say, "installing the harness into the control plane's image")
    layers.remove(client, _LABELS, keep=frozenset({tools, environment, ref}))
    return ref


def remove(client: DockerClient) -> int:
    """Remove the images of control planes that no container stands on; how many went."""
    return layers.remove(client, _LABELS)


def _machine(client: DockerClient) -> str:
    return options.read_facts(client.info()).architecture


def _tools(ref: str) -> Layer:
    hint = "containers must reach deb.debian.org over http: check proxy and firewall, then run again"
    script = _TOOLS.format(packages=" ".join(kits.PACKAGES))
    return Layer(ref, script, network=True, labels=_LABELS, hint=hint)


def _environment(ref: str, kit: Kit) -> Layer:
    script = _ENVIRONMENT.format(staging=_STAGING, account=kits.script("account.sh"))
    return Layer(ref, script, _staged(kit, wheels=True), labels=_LABELS)


def _program(ref: str, kit: Kit) -> Layer:
    script = _PROGRAM.format(staging=_STAGING, units=" ".join(kits.UNITS))
    units = [File(f"etc/systemd/system/{name}", (kits.FILES / name).read_bytes(), 0o644) for name in kits.UNITS]
    return Layer(ref, script, _staged(kit, *units, wheels=False), labels=_LABELS)


def _staged(kit: Kit, *more: File, wheels: bool) -> bytes:
    """The kit in its directory; its wheels only where they are to be installed."""
    wanted = (entry for entry in kit.files() if wheels or not entry[0].startswith("wheels/"))
    files = [File(f"{_STAGING}/{path}", data, 0o644) for path, data in wanted]
    return archive([*files, *more])


def _installer() -> str:
    return kits.script(kits.INSTALLER) + kits.script("account.sh") + _ENVIRONMENT


def _units() -> str:
    return _PROGRAM + "".join(kits.script(name) for name in kits.UNITS)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
