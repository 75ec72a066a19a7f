"""From asking for a container until its ssh answers: through the node's API, and by a bare ``docker run``."""

from __future__ import annotations

import contextlib
import socket
import statistics
import time
from collections.abc import Iterator
from typing import Any

import docker

from bench.measure import Figure
from tests.e2e.foreign import Api
from tests.e2e.world import World

ROUNDS = 5
_FIRST_VMID = 300
_PATIENCE = 60.0
_BANNER = b"SSH-2.0"


def measure(world: World) -> Iterator[Figure]:
    """Medians of ``ROUNDS`` each, taken in turns so that both see the same machine; and their ratio."""
    api = Api(world)
    api.template()
    through_api, bare = [], []
    for number in range(ROUNDS):
        vmid, address = _FIRST_VMID + number, f"{world.prefix}.{200 + number}"
        through_api.append(_by_api(api, vmid, address))
        guest = world.container(vmid)
        bare.append(_by_docker(guest, f"{world.prefix}.{230 + number}"))
        api.wait(api.put_status(vmid, "stop"))
        api.wait(api.delete(f"/nodes/pve/lxc/{vmid}"))
    ours, theirs = statistics.median(through_api), statistics.median(bare)
    yield Figure("create and start until ssh answers", ours, "s", note="POST lxc, start; median of 5")
    yield Figure("docker run until ssh answers", theirs, "s", note="same image and options; median of 5")
    yield Figure("ready time against bare docker", ours / theirs, "×", limit=1.5)


def _by_api(api: Api, vmid: int, address: str) -> float:
    net = f"name=eth0,bridge=vmbr0,ip={address}/24,gw={address.rsplit('.', 1)[0]}.1"
    values = {"ostemplate": api.template(), "hostname": f"ready{vmid}", "memory": 256, "storage": "local-lvm"}
    started = time.perf_counter()
    api.wait(api.post("/nodes/pve/lxc", vmid=vmid, net0=net, start=1, **values))
    until_ssh(address)
    return time.perf_counter() - started


def _by_docker(guest: Any, address: str) -> float:
    """A container like ``guest`` made by the engine alone."""
    attributes, host = guest.attrs, guest.attrs["HostConfig"]
    client = docker.from_env()
    network = next(iter(attributes["NetworkSettings"]["Networks"]))
    started = time.perf_counter()
    made = client.api.create_container(
        attributes["Config"]["Image"],
        command=_with_host_key(attributes["Config"]["Cmd"]),
        environment=attributes["Config"]["Env"],
        detach=True,
        host_config={**client.api.create_host_config(), **plain_options(host)},
        networking_config=client.api.create_networking_config(
            {network: client.api.create_endpoint_config(ipv4_address=address)}
        ),
    )
    try:
        client.api.start(made["Id"])
        until_ssh(address)
        return time.perf_counter() - started
    finally:
        client.api.remove_container(made["Id"], force=True, v=True)


def _with_host_key(command: list[str]) -> list[str]:
    """The guest's own command after making what the image lacks on purpose, and the node puts there: a host key."""
    key = "ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key"
    return ["/bin/sh", "-c", f'{key}; exec "$@"', "sh", *command]


def plain_options(host: dict[str, Any]) -> dict[str, Any]:
    """The options that make a system container, without limits, names and mounts of the guest's own."""
    kept = ("CapAdd", "SecurityOpt", "Tmpfs", "CgroupnsMode", "UsernsMode", "NetworkMode")
    mounts = [mount for mount in host.get("Mounts") or [] if mount.get("Target") == "/sys/fs/cgroup"]
    binds = [bind for bind in host.get("Binds") or [] if "/sys/fs/cgroup" in bind]
    return {**{key: host[key] for key in kept if host.get(key)}, "Mounts": mounts, "Binds": binds}


def until_ssh(address: str) -> None:
    """Return when something at port 22 introduces itself as ssh."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection((address, 22), timeout=1) as connection:
            if connection.recv(len(_BANNER)) == _BANNER:
                return
        time.sleep(0.01)
    raise TimeoutError(f"{address}: no ssh within {_PATIENCE:g} s")
