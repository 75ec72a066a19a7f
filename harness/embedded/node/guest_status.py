"""What lists and status calls show of a container: numbers of the runtime beside those of the configuration."""

from __future__ import annotations

from typing import Any

from harness.embedded.node.guest_config import Guest
from harness.embedded.node.runtime import GuestState

STOPPED = GuestState(running=False)
_NO_PRESSURE = {f"pressure{kind}{share}": "0.00" for kind in ("cpu", "io", "memory") for share in ("some", "full")}


def status(guest: Guest, state: GuestState) -> dict[str, Any]:
    """The status of one container as ``GET …/lxc`` lists it."""
    shown = {**guest.shown, **_counters(state), "swap": state.swap_bytes}
    return {**shown, "pid": state.pid or 1, **_NO_PRESSURE} if state.running else shown


def _counters(state: GuestState) -> dict[str, Any]:
    return {
        "status": "running" if state.running else "stopped",
        "uptime": state.uptime_s,
        "cpu": state.cpu_fraction if state.running else 0,
        "mem": state.mem_bytes,
        "disk": state.disk_bytes if state.running else 0,
        "netin": state.netin,
        "netout": state.netout,
        "diskread": state.diskread,
        "diskwrite": state.diskwrite,
    }


def resource(node: str, guest: Guest, state: GuestState, pool: str | None) -> dict[str, Any]:
    """The container as ``GET /cluster/resources`` lists it."""
    shown = {**guest.shown, **_counters(state)}
    del shown["maxswap"]
    shown["maxcpu"] = shown.pop("cpus")
    shown |= {"id": f"lxc/{guest.vmid}", "node": node, "template": int(guest.is_template), "memhost": 0}
    return {**shown, "pool": pool} if pool else shown
