"""Many containers at once: through the node's API, and by the engine alone."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import docker

from bench.measure import Figure
from bench.ready import plain_options
from harness.kit.clock import Deadline, wait_until
from tests.e2e.foreign import Api
from tests.e2e.world import World

COUNT = 32
ROUNDS = 3
_FIRST_VMID = 300
_SAMPLE = 299
_ASK_SECONDS = 0.2
_PATIENCE = 600.0


def measure(world: World) -> Iterator[Figure]:
    """Medians of ``ROUNDS``, the two taken in turns so that both see the same machine; and their ratio."""
    api = Api(world)
    template = api.template()
    _end(api, [_create(api, world, _SAMPLE, template, start=False)])
    guest = world.container(_SAMPLE)
    ours, theirs, right = [], [], 0
    for _ in range(ROUNDS):
        theirs.append(_by_docker(guest, world))
        ours.append(_by_api(api, world, template))
        right += _are_right(api, world)
        _end(api, [api.delete(f"/nodes/pve/lxc/{vmid}?force=1") for vmid in _vmids()])
    _end(api, [api.delete(f"/nodes/pve/lxc/{_SAMPLE}")])
    mine, engine = statistics.median(ours), statistics.median(theirs)
    yield Figure(f"{COUNT} creates with start at once", mine, "s", note=f"POST lxc; median of {ROUNDS}")
    yield Figure(f"{COUNT} docker runs at once", engine, "s", note=f"same image and options; median of {ROUNDS}")
    yield Figure("creates at once against docker", mine / engine, "×", limit=1.3)
    yield Figure("rounds without a lost or doubled container", right, "", limit=ROUNDS, at_least=True)


def _vmids() -> range:
    return range(_FIRST_VMID, _FIRST_VMID + COUNT)


def _at_once(work: Callable[[int], object], vmids: Iterable[int]) -> float:
    """Seconds until all is done."""
    started = time.perf_counter()
    with ThreadPoolExecutor(COUNT) as pool:
        list(pool.map(work, vmids))
    return time.perf_counter() - started


def _by_api(api: Api, world: World, template: str) -> float:
    upids: list[str] = []
    started = time.perf_counter()
    _at_once(lambda vmid: upids.append(_create(api, world, vmid, template, start=True)), _vmids())
    _end(api, upids)
    # A create starts its container by a task of its own, which nobody names.
    wait_until(lambda: _running(api) == list(_vmids()), Deadline(_PATIENCE), "running containers", longest_pause=0.1)
    return time.perf_counter() - started


def _running(api: Api) -> list[int]:
    return sorted(item["vmid"] for item in api.get("/nodes/pve/lxc") if item["status"] == "running")


def _create(api: Api, world: World, vmid: int, template: str, *, start: bool) -> str:
    net = f"name=eth0,bridge=vmbr0,ip={_address(world, vmid)}/24,gw={world.prefix}.1"
    values = {"ostemplate": template, "hostname": f"many{vmid}", "memory": 256, "storage": "local-lvm"}
    upid: str = api.post("/nodes/pve/lxc", vmid=vmid, net0=net, start=int(start), **values)
    return upid


def _end(api: Api, upids: Iterable[str]) -> None:
    """Wait until tasks have ended, well, with a question every so often for all of them."""
    left = set(upids)

    def over() -> bool:
        ended = {task["upid"]: task["status"] for task in api.get("/nodes/pve/tasks?limit=500") if "status" in task}
        for upid in left & set(ended):
            assert ended[upid].startswith(("OK", "WARNINGS")), f"{upid}: {ended[upid]}"
        left.difference_update(ended)
        return not left

    wait_until(over, Deadline(_PATIENCE), "the tasks", first_pause=_ASK_SECONDS, longest_pause=_ASK_SECONDS)


def _address(world: World, vmid: int) -> str:
    return f"{world.prefix}.{vmid - _FIRST_VMID + 150}"


def _by_docker(guest: Any, world: World) -> float:
    """Containers like ``guest`` made and started by the engine alone; they are removed afterwards."""
    client = docker.from_env(max_pool_size=COUNT)
    made: list[str] = []

    def run(vmid: int) -> None:
        made.append(_run(client.api, guest, _address(world, vmid)))

    try:
        return _at_once(run, _vmids())
    finally:
        for container in made:
            client.api.remove_container(container, force=True, v=True)
        client.close()


def _run(api: Any, guest: Any, address: str) -> str:
    config, host = guest.attrs["Config"], guest.attrs["HostConfig"]
    limits = {key: host[key] for key in ("Memory", "MemorySwap", "CpusetCpus", "CpuPeriod", "CpuQuota")}
    endpoint = api.create_endpoint_config(ipv4_address=address)
    made: str = api.create_container(
        config["Image"],
        command=config["Cmd"],
        environment=config["Env"],
        detach=True,
        host_config={**api.create_host_config(), **plain_options(host), **limits},
        networking_config=api.create_networking_config({host["NetworkMode"]: endpoint}),
    )["Id"]
    api.start(made)
    return made


def _are_right(api: Api, world: World) -> bool:
    """Whether the node and the engine have each container once, running, with its address."""
    wanted = list(_vmids())
    guests = [world.container(vmid) for vmid in wanted]
    places = [next(iter(found.attrs["NetworkSettings"]["Networks"].values()))["IPAddress"] for found in guests]
    return _running(api) == wanted and places == [_address(world, vmid) for vmid in wanted]
