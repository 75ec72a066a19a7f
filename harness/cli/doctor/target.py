"""Checks of where runs go: the Proxmox VE host with its privileges, or the embedded node's port."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.cli.doctor.finding import Finding, note, ok, problem
from harness.cli.doctor.machine import Machine
from harness.config.settings import EmbeddedSettings, Settings
from harness.embedded import launch
from harness.kit.errors import HarnessError

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


def check_host(settings: Settings, look: Callable[[Settings], tuple[str, tuple[str, ...]]]) -> list[Finding]:
    """Whether the configured host answers, lets us in, and what its credentials may not do."""
    subject = f"Proxmox VE at {settings.proxmox.host}:{settings.proxmox.port}"
    try:
        version, lacking = look(settings)
    except HarnessError as error:
        return [problem(subject, error.message, error.hint or "see that the host is up and reachable from here")]
    return [ok(subject, version), *(note("  privileges", what) for what in lacking)]
