"""Checks of where runs go: the Proxmox VE host with its privileges, or the embedded node's port."""

from __future__ import annotations

from pathlib import Path

from harness.cli.doctor.files import unreadable
from harness.cli.doctor.finding import Finding, ok, problem
from harness.cli.doctor.machine import Machine
from harness.config.settings import EmbeddedSettings, ProxmoxSettings, Settings
from harness.embedded import launch
from harness.inventory.load import load_inventory
from harness.kit.errors import HarnessError
from harness.pve import privileges
from harness.pve.client import Credentials, Endpoint, Pve

LOOPBACK = "127.0.0.1"


def check_port(machine: Machine, embedded: EmbeddedSettings, running: bool) -> Finding:
    """The embedded node's port: ours already, free, or somebody else's."""
    subject = f"port {embedded.port}"
    if running:
        return ok(subject, "the embedded node answers")
    if not machine.listens(LOOPBACK, embedded.port):
        return ok(subject, "free for the embedded node")
    return problem(
        subject,
        f"something else listens on {LOOPBACK}:{embedded.port}",
        'choose another: "embedded": {"port": 8106} in local/config.json',
    )


def is_running(node_state: Path) -> bool:
    """Whether the embedded node of this checkout runs."""
    return launch.find(node_state) is not None


def check_host(root: Path, settings: Settings) -> list[Finding]:
    """Whether the configured host answers and lets us in, then what its credentials may not do, by container."""
    subject = f"Proxmox VE at {settings.proxmox.host}:{settings.proxmox.port}"
    pve = connect(settings.proxmox)
    try:
        version = pve.version
        held = privileges.read(pve)
    except HarnessError as error:
        return [problem(subject, error.message, error.hint or "see that the host is up and reachable from here")]
    finally:
        pve.close()
    return [ok(subject, f"version {version}, as {held.identity}"), *check_privileges(root, settings, held)]


def connect(proxmox: ProxmoxSettings) -> Pve:
    """A client of the configured host."""
    assert proxmox.host is not None
    endpoint = Endpoint(proxmox.host, proxmox.port, proxmox.fingerprint)
    return Pve(endpoint, Credentials(proxmox.user, proxmox.password, proxmox.token, proxmox.secret))


def check_privileges(root: Path, settings: Settings, held: privileges.Privileges) -> list[Finding]:
    """What stands between these credentials and the containers of the repository."""
    try:
        inventory = load_inventory(root, settings, network_facts=None, remembered={})
    except HarnessError as error:
        return unreadable(error)
    findings = [
        problem(f"  {container.name}", lacking.what, lacking.remedy)
        for container in inventory.containers
        for lacking in privileges.shortfalls(container, held, settings.proxmox.storage)
    ]
    return findings or [ok("  privileges", f"enough for {len(inventory.containers)} containers")]
