"""Virtual machines: there are none, and each call says so as PVE does."""

from __future__ import annotations

from typing import Any

from harness.embedded.node.errors import ApiError, failure
from harness.embedded.node.routing import Call, route
from harness.embedded.node.tasks import Task

_MACHINE = "/nodes/{node}/qemu/{vmid}"


def _missing(call: Call) -> ApiError:
    return failure(f"Configuration file 'nodes/{call.node.name}/qemu-server/{call.vmid}.conf' does not exist")


@route("GET", "/nodes/{node}/qemu")
def list_machines(call: Call) -> list[dict[str, Any]]:  # noqa: ARG001 - a handler's signature
    """This node has containers only."""
    return []


@route("GET", f"{_MACHINE}/config")
@route("GET", f"{_MACHINE}/status/current")
def read(call: Call) -> None:
    """Nothing to read."""
    raise _missing(call)


@route("POST", f"{_MACHINE}/status/start")
def start(call: Call) -> str:
    """A task that fails."""

    def work(task: Task) -> None:  # noqa: ARG001 - the shape of all work
        raise _missing(call)

    return call.node.tasks.start("qmstart", call.vmid, call.user, work)


@route("POST", f"{_MACHINE}/status/stop")
@route("POST", f"{_MACHINE}/status/shutdown")
@route("POST", f"{_MACHINE}/status/reboot")
def stop(call: Call) -> None:
    """Nothing runs."""
    raise failure(f"VM {call.vmid} not running")
