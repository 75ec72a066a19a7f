"""Real containers behind the node: reachable by ssh, limited, kept and brought back, and gone without a trace."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from ipaddress import IPv4Interface
from pathlib import Path

import pytest

from harness.embedded import launch
from harness.embedded.engine import client as engine
from harness.embedded.engine import image, labels
from harness.embedded.node.docker import meter
from harness.embedded.node.docker_runtime import DockerRuntime
from harness.embedded.node.runtime import Bridge, GuestDevice, GuestError, GuestMount, GuestSpec
from harness.kit.clock import Deadline, wait_until
from harness.kit.errors import UnreachableError
from tests.e2e.runtime_world import READY_SECONDS, Ground, free_network, opened, remains, silent
from tests.e2e.world import free_port


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with opened(tmp_path_factory.mktemp("runtime"), f"test-{os.getpid()}-rt") as found:
        yield found


@pytest.fixture
def vmid(ground: Ground, request: pytest.FixtureRequest) -> Iterator[int]:
    """A VMID of the test's own; whatever it made is deleted."""
    ground.forget_hosts()
    number = 100 + 1 + sum(ord(letter) for letter in request.node.name) % 90
    yield number
    ground.runtime.delete(number)


def test_a_container_is_a_systemd_machine_with_its_address_name_and_limits(ground: Ground, vmid: int):
    ground.up(ground.spec(vmid, memory_mib=192, swap_mib=64))
    assert ground.ssh(vmid, "systemctl is-system-running --wait; hostname; nproc").split() == [
        "running",
        f"guest{vmid}",
        "1",
    ]
    assert ground.ssh(vmid, "systemctl show -p Id --value init.scope; cat /proc/1/comm").split() == [
        "init.scope",
        "systemd",
    ]
    assert f"{ground.address(vmid)}/24" in ground.ssh(vmid, "ip -4 address show eth0")
    shown = ground.ssh(
        vmid, "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null || :"
    )
    assert shown.split() == [str(192 << 20)]
    limits = ground.client.api.inspect_container(f"{ground.name}-{vmid}")["HostConfig"]
    assert (limits["Memory"], limits["MemorySwap"]) == (192 << 20, 256 << 20)
    assert not limits["Privileged"]
    state = ground.runtime.state(vmid)
    assert state.running
    assert state.mem_bytes > 1 << 20
    counted = wait_until(lambda: ground.runtime.state(vmid).disk_bytes, Deadline(READY_SECONDS), "bytes on disk")
    assert counted > 50 << 20
    addresses = {found.name: found.inet for found in ground.runtime.interfaces(vmid)}
    assert addresses["eth0"] == (f"{ground.address(vmid)}/24",)


def test_etc_files_can_be_replaced_and_keep_what_was_added(ground: Ground, vmid: int):
    ground.up(ground.spec(vmid))
    ground.ssh(vmid, "hostnamectl set-hostname other && echo '192.0.2.9 nine' >> /etc/hosts")
    assert ground.ssh(vmid, "cat /etc/hostname") == "other"
    ground.runtime.stop(vmid)
    assert not ground.runtime.state(vmid).running
    ground.runtime.start(vmid, silent)
    hosts = ground.ssh(vmid, "cat /etc/hosts")
    assert "192.0.2.9 nine" in hosts
    assert re.search(rf"{ground.address(vmid)}\s+guest{vmid}", hosts)
    assert ground.ssh(vmid, "hostname") == f"guest{vmid}"


def test_two_containers_share_neither_host_key_nor_machine_id(ground: Ground, vmid: int):
    other = vmid + 95
    try:
        for number in (vmid, other):
            ground.up(ground.spec(number))
        seen = [ground.ssh(number, "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub") for number in (vmid, other)]
        assert set(seen[0].split()) & set(seen[1].split()) <= {"ssh-ed25519"}
        assert ground.ssh(vmid, f"ping -c1 -W2 {ground.address(other)} > /dev/null && echo reached") == "reached"
    finally:
        ground.runtime.delete(other)


def test_a_snapshot_brings_files_and_volumes_back(ground: Ground, vmid: int):
    volume = GuestMount("mp0", "volume", f"local-lvm:vm-{vmid}-disk-1", "/data", read_only=False)
    spec = ground.spec(vmid, mounts=(volume,))
    ground.up(spec)
    ground.ssh(vmid, "echo before > /etc/marker; echo before > /data/marker")
    ground.runtime.snapshot(vmid, "kept", silent)
    assert ground.runtime.state(vmid).running, "a snapshot stops nothing"
    ground.ssh(vmid, "echo after > /etc/marker; rm /data/marker; touch /data/new /root/new")
    ground.runtime.rollback(vmid, "kept", spec, silent)
    assert not ground.runtime.state(vmid).running
    ground.runtime.start(vmid, silent)
    assert ground.ssh(vmid, "cat /etc/marker /data/marker; ls /data; ls /root").split() == [
        "before",
        "before",
        "marker",
    ]
    ground.runtime.delete_snapshot(vmid, "kept")
    with pytest.raises(GuestError, match="does not exist"):
        ground.runtime.rollback(vmid, "kept", spec, silent)
    assert ground.runtime.state(vmid).running


def test_deleting_leaves_nothing(ground: Ground, vmid: int):
    volume = GuestMount("mp0", "volume", f"local-lvm:vm-{vmid}-disk-1", "/data", read_only=False)
    spec = ground.spec(vmid, mounts=(volume,))
    ground.up(spec)
    for name in ("one", "two"):
        ground.runtime.snapshot(vmid, name, silent)
    ground.runtime.rollback(vmid, "one", spec, silent)
    assert remains(ground.client, ground.name, vmid)
    ground.runtime.delete(vmid)
    assert remains(ground.client, ground.name, vmid) == []
    assert vmid not in ground.runtime.states()
    ground.up(replace(spec, mounts=()))  # the address is free again
    assert ground.ssh(vmid, "hostname") == f"guest{vmid}"


def test_changes_are_applied_live_or_at_the_next_start(ground: Ground, vmid: int):
    spec = ground.spec(vmid)
    ground.up(spec)
    ground.ssh(vmid, "touch /root/kept")
    wanted = replace(
        spec,
        hostname="renamed",
        memory_mib=320,
        cpulimit=0.5,
        mounts=(GuestMount("mp0", "bind", "/mnt/data", "/data", read_only=False),),
        devices=(GuestDevice("dev0", "/dev/full", "0640", 0, 5),),
    )
    late = ground.runtime.update(wanted, frozenset({"hostname", "memory", "cpulimit", "mp0", "dev0"}))
    assert late == ({"dev0"} if os.geteuid() == 0 else {"mp0", "dev0"})
    assert ground.ssh(vmid, "hostname; cat /etc/hostname").split() == ["renamed", "renamed"]
    limits = ground.client.api.inspect_container(f"{ground.name}-{vmid}")["HostConfig"]
    assert (limits["Memory"], limits["CpuQuota"]) == (320 << 20, 50_000)
    (ground.state / "node/root/mnt/data").mkdir(parents=True, exist_ok=True)
    (ground.state / "node/root/mnt/data/hello").write_text("from the node")
    ground.runtime.stop(vmid)
    ground.runtime.start(vmid, silent)
    assert ground.ssh(vmid, "cat /data/hello; echo; hostname; ls /root; stat -c %a:%g /dev/full").split("\n") == [
        "from the node",
        "renamed",
        "kept",
        "640:5",
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount into a running container")
def test_a_new_mount_point_is_there_at_once_and_stays(ground: Ground, vmid: int):
    spec = ground.spec(vmid)
    ground.up(spec)
    mounts = (
        GuestMount("mp0", "volume", f"local-lvm:vm-{vmid}-disk-1", "/srv/data", read_only=False),
        GuestMount("mp1", "bind", f"/mnt/{vmid}", "/fixed", read_only=True),
    )
    assert ground.runtime.update(replace(spec, mounts=mounts), frozenset({"mp0", "mp1"})) == frozenset()
    written = ground.ssh(vmid, "echo hot > /srv/data/mark; touch /fixed/x 2> /dev/null || echo refused")
    assert written == "refused"
    ground.runtime.stop(vmid)
    ground.runtime.start(vmid, silent)
    assert ground.ssh(vmid, "cat /srv/data/mark; grep -c ' /srv/data ' /proc/self/mounts").split() == ["hot", "1"]


def test_limits_and_interfaces_change_under_a_running_container(ground: Ground, vmid: int):
    spec = ground.spec(vmid, memory_mib=192, swap_mib=64)
    ground.up(spec)
    cores = os.cpu_count() or 1
    wanted = replace(spec, cores=cores, cpulimit=0.5, memory_mib=256, swap_mib=32)
    changed = frozenset({"cores", "cpulimit", "memory", "swap"})
    assert ground.runtime.update(wanted, changed) == frozenset()
    assert ground.ssh(vmid, "nproc") == str(cores)
    limits = "for f in memory/memory.limit_in_bytes memory.max memory/memory.memsw.limit_in_bytes memory.swap.max"
    shown = ground.ssh(vmid, f"{limits}; do cat /sys/fs/cgroup/$f 2> /dev/null; done; :").split()
    assert shown in ([str(256 << 20), str(288 << 20)], [str(256 << 20), str(32 << 20)], [str(256 << 20)])
    other = free_network(avoid=ground.network)
    second = replace(spec.nets[0], index=1, name="lan1", hwaddr="BC:24:11:00:01:01", gateway=None)
    second = replace(second, ip=IPv4Interface(f"{other.network_address + 9}/24"))
    assert ground.runtime.update(replace(wanted, nets=(*spec.nets, second)), frozenset({"net1"})) == frozenset()
    found = {one.name: one.inet for one in ground.runtime.interfaces(vmid)}
    assert (found["eth0"], found["lan1"]) == ((f"{ground.address(vmid)}/24",), (str(second.ip),))
    assert ground.runtime.update(wanted, frozenset({"net1"})) == frozenset()
    assert {one.name for one in ground.runtime.interfaces(vmid)} == {"lo", "eth0"}
    assert ground.ssh(vmid, "ip route show default")


def test_what_a_container_uses_is_what_it_did(ground: Ground, vmid: int):
    ground.up(ground.spec(vmid))
    ground.ssh(vmid, "true")
    before = ground.runtime.state(vmid)
    work = (
        "dd if=/dev/zero of=/root/file bs=1M count=24 oflag=direct 2> /dev/null; timeout 1 sh -c 'while :; do :; done'"
    )
    size = len(ground.ssh(vmid, f"{work}; head -c 300000 /dev/zero | tr '\\0' x"))
    after = ground.runtime.state(vmid)
    assert size == 300_000
    assert after.netout - before.netout > size
    assert after.netin > before.netin
    # Where processes are asked for their bytes, those of one that has just ended count once its parent has noticed.
    enough = before.diskwrite + (24 << 20)
    wait_until(
        lambda: ground.runtime.state(vmid).diskwrite >= enough, Deadline(READY_SECONDS), "bytes that were written"
    )
    assert after.cpu_fraction > before.cpu_fraction / 10
    assert after.uptime_s >= before.uptime_s >= 0


def test_a_changed_address_is_live(ground: Ground, vmid: int):
    spec = ground.spec(vmid)
    ground.up(spec)
    moved = ground.address(vmid) + 95
    net = replace(spec.nets[0], ip=IPv4Interface(f"{moved}/24"))
    assert ground.runtime.update(replace(spec, nets=(net,)), frozenset({"net0"})) == frozenset()
    wait_until(lambda: ground.try_ssh(moved, "true"), Deadline(READY_SECONDS), "ssh at the new address")
    assert ground.try_ssh(ground.address(vmid), "true") is None
    assert f"{moved}/24" in str(ground.try_ssh(moved, "ip -4 address show eth0; ip route show default"))
    assert "dev eth0" in str(ground.try_ssh(moved, "ip route show default"))
    back = replace(spec.nets[0], name="lan0")
    assert ground.runtime.update(replace(spec, nets=(back,)), frozenset({"net0"})) == frozenset()
    assert f"{ground.address(vmid)}/24" in ground.ssh(vmid, "ip -4 address show lan0")
    ground.runtime.stop(vmid)
    ground.runtime.start(vmid, silent)
    assert "default via" in ground.ssh(vmid, "ip route show default dev lan0")


def test_a_failed_creation_leaves_nothing_and_can_be_repeated(ground: Ground, vmid: int):
    spec = ground.spec(vmid)
    with pytest.raises(GuestError, match="passes /dev/mem through to no container"):
        ground.runtime.create(replace(spec, devices=(GuestDevice("dev0", "/dev/mem", None, 0, 0),)), silent)
    with pytest.raises(GuestError, match="is gone"):
        ground.runtime.create(replace(spec, image="proxmox-gitops/none:1"), silent)
    assert remains(ground.client, ground.name, vmid) == []
    ground.up(spec)
    with pytest.raises(GuestError, match="exists already"):
        ground.runtime.create(spec, silent)
    assert ground.runtime.state(vmid).running


def test_what_a_killed_node_left_half_done_is_finished_or_removed(ground: Ground, vmid: int):
    ground.up(ground.spec(vmid))
    ground.ssh(vmid, "touch /root/kept")
    ground.runtime.stop(vmid)
    api, name = ground.client.api, f"{ground.name}-{vmid}"
    api.rename(name, f"{name}-next")  # killed after the old container went, before the new one had its name
    marks = {labels.INSTANCE: ground.name, labels.VMID: str(vmid + 1)}
    api.create_container(ground.image, "true", name=f"{ground.name}-{vmid + 1}-making", labels=marks)
    gateway = IPv4Interface(f"{ground.network.network_address + 1}/24")
    again = DockerRuntime(ground.state / "node", ground.name, ground.client)
    again.prepare_bridges([Bridge("vmbr0", gateway)])
    assert remains(ground.client, ground.name, vmid + 1) == []
    again.start(vmid, silent)
    assert ground.ssh(vmid, "ls /root") == "kept"


def test_stopping_is_quick_and_a_shutdown_that_takes_too_long_says_so(ground: Ground, vmid: int):
    ground.up(ground.spec(vmid))
    hold = "systemd-run -q -p KillMode=none -p ExecStop='/bin/sleep 60' -p TimeoutStopSec=60 /bin/sleep 600"
    ground.ssh(vmid, hold)
    with pytest.raises(GuestError, match="still runs"):
        ground.runtime.shutdown(vmid, 0.5)
    ground.runtime.stop(vmid)
    assert not ground.runtime.state(vmid).running
    ground.runtime.stop(vmid)


def test_an_address_outside_the_bridge_gets_a_network_that_goes_with_it(ground: Ground, vmid: int):
    other = free_network(avoid=ground.network)
    address = other.network_address + 77
    spec = ground.spec(vmid)
    net = replace(spec.nets[0], ip=IPv4Interface(f"{address}/24"), gateway=None)
    said: list[str] = []
    ground.runtime.create(replace(spec, nets=(net,)), said.append)
    ground.runtime.start(vmid, silent)
    assert any("outside vmbr0" in line for line in said)
    wait_until(lambda: ground.try_ssh(address, "true"), Deadline(READY_SECONDS), f"ssh at {address}")
    ground.runtime.delete(vmid)
    names = [network["Name"] for network in ground.client.api.networks(filters=labels.of_instance(ground.name))]
    assert names == [f"{ground.name}-vmbr0"]


def test_a_network_of_the_machine_is_refused(ground: Ground):
    taken = Bridge("vmbr9", IPv4Interface(f"{ground.network.network_address + 9}/24"))
    with pytest.raises(GuestError, match="cannot be made for vmbr9"):
        ground.runtime.prepare_bridges([taken])


# The daemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, object]]]:
    """A state directory and what a node in it is started with."""
    state = tmp_path_factory.mktemp("daemon") / "node"
    yield state, {"port": free_port(), "name": f"test-{os.getpid()}-d", "network": free_network()}
    launch.destroy(state)
    assert not state.exists()


def pid_of(state: Path) -> int:
    return int(json.loads((state / "node.json").read_text())["pid"])


def test_two_starts_at_once_make_one_node(daemon):
    state, wanted = daemon
    said: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _n: launch.ensure(state, say=said.append, **wanted), range(2))
    assert first == second
    assert first.host == str(wanted["network"].network_address + 1)
    assert said == [f"starting the embedded node on port {wanted['port']}"]
    assert launch.find(state) == first
    assert (state / "password").stat().st_mode & 0o777 == 0o600


def test_a_killed_node_is_started_again_with_its_containers(daemon):
    state, wanted = daemon
    before = launch.ensure(state, say=silent, **wanted)
    with engine.opened() as client:
        base = image.ensure_base(client, "13", print)
        spec = GuestSpec(101, "survivor", base, 1, None, 128, 0)
        DockerRuntime(state, str(wanted["name"]), client).create(spec, silent)
    old = pid_of(state)
    os.kill(old, 9)
    wait_until(lambda: launch.find(state) is None, Deadline(10), "end of the node")
    after = launch.ensure(state, say=silent, **wanted)
    assert pid_of(state) != old
    assert after == before
    assert launch.guests(state) == [f"{wanted['name']}-101"]


def test_a_node_outlives_the_command_that_started_it(daemon):
    state, wanted = daemon
    launch.stop(state)
    assert launch.find(state) is None
    script = (
        "import sys; from ipaddress import IPv4Network; from pathlib import Path; from harness.embedded import launch;"
        "launch.ensure(Path(sys.argv[1]), port=int(sys.argv[2]), name=sys.argv[3], network=IPv4Network(sys.argv[4]),"
        " say=print)"
    )
    arguments = [str(state), str(wanted["port"]), str(wanted["name"]), str(wanted["network"])]
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", script, *arguments], check=True, cwd=root, timeout=90)
    assert launch.find(state) is not None


def test_another_checkout_may_not_take_the_name(daemon, tmp_path):
    state, wanted = daemon
    launch.ensure(state, say=silent, **wanted)
    with pytest.raises(UnreachableError, match="belongs to the embedded node"):
        launch.ensure(tmp_path / "node", say=silent, **{**wanted, "port": free_port()})
    launch.destroy(tmp_path / "node")
    assert launch.find(state) is not None
    assert launch.guests(state), "the other checkout's removal touched nothing of ours"


def test_destroying_a_node_leaves_neither_process_nor_network_nor_state(daemon):
    state, wanted = daemon
    launch.ensure(state, say=silent, **wanted)
    pid, threads = pid_of(state), threading.active_count()
    launch.destroy(state)
    assert meter.start_ticks(pid) is None
    assert not state.exists()
    assert threading.active_count() == threads
    with engine.opened() as client:
        assert remains(client, str(wanted["name"])) == []
