"""What lists and status calls show of a container: numbers of the runtime beside those of the configuration."""

from __future__ import annotations

import os
from typing import Any

from harness.embedded.node import guest_spec
from harness.embedded.node.guest_config import Guest
from harness.embedded.node.node import Node
from harness.embedded.node.runtime import GuestState

MIB = 1 << 20
STOPPED = GuestState(running=False)
_PRESSURES = ("cpu", "io", "memory")
_RESOURCE_KEYS = (
    *("vmid", "name", "status", "uptime", "cpu", "mem", "maxmem", "disk", "maxdisk"),
    *("netin", "netout", "diskread", "diskwrite", "tags", "lock"),
)


def status(guest: Guest, state: GuestState) -> dict[str, Any]:
    """The status of one container as ``GET …/lxc`` lists it."""
    shown: dict[str, Any] = {
        "vmid": guest.vmid,
        "type": "lxc",
        "name": guest.hostname,
        "status": "running" if state.running else "stopped",
        "uptime": state.uptime_s,
        "cpu": state.cpu_fraction if state.running else 0,
        "cpus": _cores(guest),
        "mem": state.mem_bytes,
        "maxmem": _mebibytes(guest, "memory"),
        "swap": state.swap_bytes,
        "maxswap": _mebibytes(guest, "swap"),
        "disk": state.disk_bytes if state.running else 0,
        "maxdisk": guest_spec.maximum_disk(guest.config),
        "netin": state.netin,
        "netout": state.netout,
        "diskread": state.diskread,
        "diskwrite": state.diskwrite,
    }
    return {**shown, **_marks(guest), **_live(state)}


def _cores(guest: Guest) -> int:
    text = guest.config.get("cores", "").strip()
    return int(text) if text else os.cpu_count() or 1


def _mebibytes(guest: Guest, key: str) -> int:
    text = guest.config.get(key, "512").strip() or "512"
    return int(text) * MIB


def _marks(guest: Guest) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if guest.config.get("tags", "").strip():
        shown["tags"] = guest.config["tags"]
    if guest.lock:
        shown["lock"] = guest.lock
    if guest.is_template:
        shown["template"] = 1
    return shown


def _live(state: GuestState) -> dict[str, Any]:
    if not state.running:
        return {}
    pressures = {f"pressure{kind}{share}": "0.00" for kind in _PRESSURES for share in ("some", "full")}
    return {"pid": state.pid or 1, **pressures}


def resource(node: Node, guest: Guest, state: GuestState, pool: str | None) -> dict[str, Any]:
    """The container as ``GET /cluster/resources`` lists it."""
    full = status(guest, state)
    shown = {key: full[key] for key in _RESOURCE_KEYS if key in full}
    shown |= {"id": f"lxc/{guest.vmid}", "type": "lxc", "node": node.name, "template": int(guest.is_template)}
    shown |= {"maxcpu": full["cpus"], "memhost": 0}
    return {**shown, "pool": pool} if pool else shown
