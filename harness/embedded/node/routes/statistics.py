"""Statistics over time."""

from __future__ import annotations

import time

from harness.embedded.node.errors import ApiError, failure
from harness.embedded.node.routing import Call, route


@route("GET", "/nodes/{node}/rrddata")
def node_series(call: Call) -> list[dict[str, float]]:
    """Numbers of the node."""
    return call.node.samples.series("node", call.need("timeframe"), call.get("cf") or "AVERAGE", int(time.time()))


@route("GET", "/nodes/{node}/storage/{storage}/rrddata")
def storage_series(call: Call) -> list[dict[str, float]]:
    """Numbers of a storage."""
    name = call.need("storage")
    if call.node.storages.find(name) is None:
        raise missing(f"{family(call, 'storage')}/{call.node.name}/{name}")
    frame, combine = call.need("timeframe"), call.get("cf") or "AVERAGE"
    return call.node.samples.series(f"storage/{name}", frame, combine, int(time.time()))


def family(call: Call, kind: str) -> str:
    """The directory of a kind of series, which 9.0 gave another name."""
    return f"pve-{kind}-9.0" if call.node.release.startswith("9") else f"pve2-{kind}"


def missing(name: str) -> ApiError:
    """PVE's 500 for a series that nobody has written to."""
    return failure(f"RRD error: opening '/var/lib/rrdcached/db/{name}': No such file or directory")


@route("GET", "/nodes/{node}/lxc/{vmid}/rrddata")
def guest_series(call: Call) -> list[dict[str, float]]:
    """Numbers of a container."""
    if call.node.guests.find(call.vmid) is None:
        raise missing(f"{family(call, 'vm')}/{call.vmid}")
    frame, combine = call.need("timeframe"), call.get("cf") or "AVERAGE"
    return call.node.samples.series(str(call.vmid), frame, combine, int(time.time()))
