"""The embedded node itself: how long lists take with 100 containers, and what it holds with 20 that run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Figure, median
from tests.e2e.foreign import Api
from tests.e2e.world import World

RUNNING, ALL = 20, 100
_FIRST_VMID = 500
_KIB_PER_MIB = 1024
_LISTS = ("/cluster/resources", "/nodes/pve/lxc")


def measure(world: World) -> Iterator[Figure]:
    """Lists over one kept connection, median of 30; resident memory of the daemon."""
    world.succeed("local", "--no-deploy")
    api = Api(world)
    began = []
    for number in range(ALL):
        net = f"name=eth0,bridge=vmbr0,ip={world.prefix}.{number + 100}/24,gw={world.prefix}.1"
        values = {"ostemplate": api.template(), "storage": "local-lvm", "hostname": f"many{number}", "memory": 128}
        start = int(number < RUNNING)
        began.append(api.post("/nodes/pve/lxc", vmid=_FIRST_VMID + number, net0=net, start=start, **values))
        if number == RUNNING:
            for upid in began:
                api.wait(upid)
            note = f"{RUNNING} running containers"
            yield Figure("memory of the node", resident_mib(world), "MB", limit=100.0, note=note)
    for upid in began:
        api.wait(upid)
    for path in _LISTS:
        took = median(lambda path=path: api.get(path), 30) * 1000
        yield Figure(f"GET {path}", took, "ms", limit=20.0, note=f"{ALL} containers, {RUNNING} of them running")


def resident_mib(world: World) -> float:
    """Resident memory of the node's process."""
    launched = json.loads((world.root / "local/share/embedded/node/launch.json").read_text())
    status = Path(f"/proc/{launched['pid']}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / _KIB_PER_MIB
