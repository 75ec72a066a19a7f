"""Statistics over time."""

from __future__ import annotations

import time

from harness.embedded.node.errors import failure
from harness.embedded.node.routing import Call, route


@route("GET", "/nodes/{node}/rrddata")
def node_series(call: Call) -> list[dict[str, float]]:
    """Numbers of the node."""
    return call.node.samples.series("node", call.need("timeframe"), call.get("cf") or "AVERAGE", int(time.time()))


@route("GET", "/nodes/{node}/lxc/{vmid}/rrddata")
def guest_series(call: Call) -> list[dict[str, float]]:
    """Numbers of a container."""
    if call.node.guests.find(call.vmid) is None:
        path = f"/var/lib/rrdcached/db/pve-vm-{call.node.release.partition('.')[0]}.0/{call.vmid}"
        raise failure(f"RRD error: opening '{path}': No such file or directory")
    frame, combine = call.need("timeframe"), call.get("cf") or "AVERAGE"
    return call.node.samples.series(str(call.vmid), frame, combine, int(time.time()))
