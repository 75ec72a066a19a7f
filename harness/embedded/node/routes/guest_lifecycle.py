"""Start, stop, shut down, reboot, destroy, resize."""

from __future__ import annotations

from harness.embedded.node.operations import guest_destroy, guest_power, guest_resize, ha
from harness.embedded.node.routing import Call, route

_STATUS = "/nodes/{node}/lxc/{vmid}/status"


@route("POST", f"{_STATUS}/start")
def start(call: Call) -> str:
    """Start; the task's end says whether init runs. A managed container is started by its manager."""
    if ha.find(call.node, call.vmid):
        return ha.request(call.node, call.user, call.vmid, "started")
    return guest_power.start(call.node, call.user, call.vmid, skiplock=call.flag("skiplock"))


@route("POST", f"{_STATUS}/stop")
def stop(call: Call) -> str:
    """Kill. A managed container is stopped by its manager."""
    if ha.find(call.node, call.vmid):
        guest_power.need_running(call.node, call.vmid)
        return ha.request(call.node, call.user, call.vmid, "stopped")
    return guest_power.stop(call.node, call.user, call.vmid, skiplock=call.flag("skiplock"))


@route("POST", f"{_STATUS}/shutdown")
def shutdown(call: Call) -> str:
    """Ask init to shut down."""
    timeout = call.number("timeout", guest_power.SHUTDOWN_SECONDS)
    if ha.find(call.node, call.vmid):
        guest_power.need_running(call.node, call.vmid)
        return ha.request(call.node, call.user, call.vmid, "stopped")
    return guest_power.shutdown(call.node, call.user, call.vmid, timeout=timeout, force=call.flag("forceStop"))


@route("POST", f"{_STATUS}/reboot")
def reboot(call: Call) -> str:
    """Shut down and start, pending changes applied."""
    timeout = call.number("timeout", guest_power.SHUTDOWN_SECONDS)
    return guest_power.reboot(call.node, call.user, call.vmid, timeout=timeout)


@route("POST", f"{_STATUS}/suspend")
def suspend(call: Call) -> str:
    """Checkpoint, which fails here."""
    return guest_power.suspend(call.node, call.user, call.vmid)


@route("POST", f"{_STATUS}/resume")
def resume(call: Call) -> str:
    """There is never a checkpoint to resume from."""
    return guest_power.resume(call.node, call.user, call.vmid)


@route("DELETE", "/nodes/{node}/lxc/{vmid}")
def destroy(call: Call) -> str:
    """Remove the container and all that belongs to it."""
    return guest_destroy.destroy(call.node, call.user, call.vmid, force=call.flag("force"), purge=call.flag("purge"))


@route("PUT", "/nodes/{node}/lxc/{vmid}/resize")
def resize(call: Call) -> str:
    """Grow a disk."""
    key, wanted, digest = call.need("disk"), call.need("size"), call.get("digest")
    return guest_resize.resize(call.node, call.user, call.vmid, key=key, wanted=wanted, digest=digest)
