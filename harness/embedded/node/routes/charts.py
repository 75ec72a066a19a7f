"""Statistics over time as pictures."""

from __future__ import annotations

import time
from typing import Any

from harness.embedded.node import png
from harness.embedded.node.errors import failure
from harness.embedded.node.grammar.formats import split_list
from harness.embedded.node.routes import statistics
from harness.embedded.node.routing import Call, route

_FOLDER = "/var/lib/rrdcached/db"


@route("GET", "/nodes/{node}/rrd")
def node_chart(call: Call) -> dict[str, str]:
    """A picture of a number of the node."""
    return _drawn(call, "node", f"{statistics.family(call, 'node')}/{call.node.name}")


@route("GET", "/nodes/{node}/storage/{storage}/rrd")
def storage_chart(call: Call) -> dict[str, str]:
    """A picture of a number of a storage."""
    name = call.need("storage")
    file = f"{statistics.family(call, 'storage')}/{call.node.name}/{name}"
    if call.node.storages.find(name) is None:
        raise statistics.missing(file)
    return _drawn(call, f"storage/{name}", file)


@route("GET", "/nodes/{node}/lxc/{vmid}/rrd")
def guest_chart(call: Call) -> dict[str, str]:
    """A picture of a number of a container."""
    file = f"{statistics.family(call, 'vm')}/{call.vmid}"
    if call.node.guests.find(call.vmid) is None:
        raise statistics.missing(file)
    return _drawn(call, str(call.vmid), file)


def _drawn(call: Call, series: str, file: str) -> dict[str, str]:
    """The picture beside the name that PVE gives it; its bytes are the characters of a text, as in PVE's answer."""
    sources = split_list(call.need("ds"))
    if not sources:
        raise failure("RRD error: can't make a graph without contents")
    frame, combine = call.need("timeframe"), call.get("cf") or "AVERAGE"
    points: list[Any] = call.node.samples.series(series, frame, combine, int(time.time()))
    image = png.chart([point.get(sources[0]) for point in points])
    return {"filename": f"{_FOLDER}/{file}_{'_'.join(sources)}.png", "image": image.decode("latin-1")}
