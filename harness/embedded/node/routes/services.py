"""The host's services, in the states of a default installation: nothing is started or stopped here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.embedded.node.errors import failure
from harness.embedded.node.node import Node
from harness.embedded.node.routing import Call, route
from harness.embedded.node.tasks import Task

_SERVICES = "/nodes/{node}/services"
_ONE = f"{_SERVICES}/{{service}}"
_RUNNING = {
    "chrony": "chrony, an NTP client/server",
    "cron": "Regular background program processing daemon",
    "ksmtuned": "Kernel Samepage Merging (KSM) Tuning Daemon",
    "lxcfs": "FUSE filesystem for LXC",
    "postfix": "Postfix Mail Transport Agent (main/default instance)",
    "proxmox-firewall": "Proxmox nftables firewall",
    "pve-cluster": "The Proxmox VE cluster filesystem",
    "pve-firewall": "Proxmox VE firewall",
    "pve-ha-crm": "PVE Cluster HA Resource Manager Daemon",
    "pve-ha-lrm": "PVE Local HA Resource Manager Daemon",
    "pve-lxc-syscalld": "Proxmox VE LXC Syscall Daemon",
    "pvedaemon": "PVE API Daemon",
    "pvefw-logger": "Proxmox VE firewall logger",
    "pveproxy": "PVE API Proxy Server",
    "pvescheduler": "Proxmox VE scheduler",
    "pvestatd": "PVE Status Daemon",
    "qmeventd": "PVE Qemu Event Daemon",
    "spiceproxy": "PVE SPICE Proxy Server",
    "sshd": "OpenBSD Secure Shell server",
    "systemd-journald": "Journal Service",
}
_ABSENT = {
    "corosync": ("Corosync Cluster Engine", "enabled"),
    "syslog": ("syslog.service", "not-found"),
    "systemd-timesyncd": ("systemd-timesyncd.service", "not-found"),
}
_ESSENTIAL = ("pveproxy", "pvedaemon", "pve-cluster")


def _shown(node: Node, name: str) -> dict[str, Any]:
    shown = {"service": name, "name": "postfix@-" if name == "postfix" else name}
    stopped = node.store.table("service").get(name)
    if name in _RUNNING:
        state = {"state": "dead", "active-state": "inactive"} if stopped else _RUNNING_STATE
        return {**shown, "desc": _RUNNING[name], **state, "unit-state": "enabled"}
    desc, unit = _ABSENT[name]
    return {**shown, "desc": desc, "state": "dead", "active-state": "inactive", "unit-state": unit}


_RUNNING_STATE: Mapping[str, str] = {"state": "running", "active-state": "active"}


@route("GET", _SERVICES)
def list_services(call: Call) -> list[dict[str, Any]]:
    """All services."""
    known = set(call.node.schema.endpoints["GET", _ONE].rules["service"]["enum"])
    return [_shown(call.node, name) for name in sorted({*_RUNNING, *_ABSENT} & known)]


@route("GET", _ONE)
def service_index(call: Call) -> list[dict[str, str]]:  # noqa: ARG001 - a handler's signature
    """What can be asked of and done to a service."""
    return [{"subdir": name} for name in ("state", "start", "stop", "restart", "reload")]


@route("GET", f"{_ONE}/state")
def service_state(call: Call) -> dict[str, Any]:
    """One service."""
    return _shown(call.node, call.need("service"))


def _control(call: Call, verb: str) -> str:
    """Start the task ``srv<verb>``; only the shown state changes."""
    name, table = call.need("service"), call.node.store.table("service")

    def work(task: Task) -> None:  # noqa: ARG001 - the shape of all work
        if name in _ESSENTIAL and verb == "stop":
            raise failure(f"invalid service cmd '{name} {verb}': refusing to stop essential service!")
        if name in _ABSENT:
            raise failure(f"command 'systemctl {verb} {name}' failed: exit code 5")
        if verb == "stop":
            table.put(name, {"stopped": 1})
        else:
            table.delete(name)

    return call.node.tasks.start(f"srv{verb}", name, call.user, work)


@route("POST", f"{_ONE}/start")
def start_service(call: Call) -> str:
    """Start a service."""
    return _control(call, "start")


@route("POST", f"{_ONE}/stop")
def stop_service(call: Call) -> str:
    """Stop a service."""
    return _control(call, "stop")


@route("POST", f"{_ONE}/restart")
def restart_service(call: Call) -> str:
    """Restart a service."""
    return _control(call, "restart")


@route("POST", f"{_ONE}/reload")
def reload_service(call: Call) -> str:
    """Reload a service."""
    return _control(call, "reload")
