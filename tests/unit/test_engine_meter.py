"""Usage of a container, read from files as the kernel writes them."""

from __future__ import annotations

import time

from harness.embedded.node.docker import meter

ID = "ba46714ee1ef"
STAT = "42 (systemd (x)) {state} " + " ".join(["0"] * 18) + " 777 0 0\n"
NET = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0
  eth0:    1000      10    0    0    0     0          0         0     2000      20    0    0    0     0
"""


def process(tmp_path, cgroup: str, state: str = "S"):
    directory = tmp_path / "proc/42"
    (directory / "net").mkdir(parents=True)
    (directory / "stat").write_text(STAT.format(state=state))
    (directory / "cgroup").write_text(cgroup)
    (directory / "net/dev").write_text(NET)
    return meter.Process(42, 777, time.time() - 10)


def write(directory, **files: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (directory / name.replace("__", ".")).write_text(text)


def test_cgroup_v2_is_read_below_the_containers_own_group(tmp_path):
    running = process(tmp_path, f"0::/system.slice/docker-{ID}.scope/init.scope\n")
    write(
        tmp_path / f"cgroup/system.slice/docker-{ID}.scope",
        memory__current="3000\n",
        memory__stat="anon 1\ninactive_file 1000\n",
        cpu__stat="usage_usec 5000000\n",
        io__stat="8:0 rbytes=11 wbytes=22 rios=1\n8:16 rbytes=1 wbytes=2\n",
    )
    (tmp_path / f"cgroup/system.slice/docker-{ID}.scope/memory.swap.current").write_text("7\n")
    state = meter.Meter(running, ID, tmp_path / "cgroup", tmp_path / "proc").read()
    assert (state.running, state.pid, state.uptime_s) == (True, 42, 10)
    assert (state.mem_bytes, state.swap_bytes) == (2000, 7)
    assert (state.diskread, state.diskwrite) == (12, 24)
    assert (state.netin, state.netout) == (1000, 2000)
    assert 0.45 < state.cpu_fraction < 0.55


def test_cgroup_v1_is_read_from_each_controller(tmp_path):
    lines = [f"4:memory:/docker/{ID}/init.scope", f"3:cpu,cpuacct:/docker/{ID}", f"2:blkio:/docker/{ID}", "0::/x"]
    running = process(tmp_path, "\n".join(lines) + "\n")
    root = tmp_path / "cgroup"
    write(root / f"memory/docker/{ID}", memory__usage_in_bytes="3000", memory__stat="total_inactive_file 500\n")
    (root / f"memory/docker/{ID}/memory.memsw.usage_in_bytes").write_text("3100")
    write(root / f"cpu,cpuacct/docker/{ID}", cpuacct__usage="1000000000")
    (root / f"blkio/docker/{ID}").mkdir(parents=True)
    (root / f"blkio/docker/{ID}/blkio.throttle.io_service_bytes").write_text("8:0 Read 5\n8:0 Write 6\nTotal 11\n")
    state = meter.Meter(running, ID, root, tmp_path / "proc").read()
    assert (state.mem_bytes, state.swap_bytes, state.diskread, state.diskwrite) == (2500, 100, 5, 6)
    assert 0.05 < state.cpu_fraction < 0.15


def test_a_zombie_or_a_reused_pid_is_not_running(tmp_path):
    ended = process(tmp_path, "0::/\n", state="Z")
    assert not meter.Meter(ended, ID, tmp_path / "cgroup", tmp_path / "proc").read().running
    (tmp_path / "proc/42/stat").write_text(STAT.format(state="S").replace("777", "778"))
    assert not meter.Meter(ended, ID, tmp_path / "cgroup", tmp_path / "proc").read().running


def test_files_that_are_missing_count_as_nothing(tmp_path):
    running = process(tmp_path, f"0::/docker/{ID}\n")
    state = meter.Meter(running, ID, tmp_path / "cgroup", tmp_path / "proc").read()
    assert (state.running, state.mem_bytes, state.diskread) == (True, 0, 0)


def test_where_the_group_counts_no_bytes_its_processes_are_asked(tmp_path):
    running = process(tmp_path, f"2:blkio:/docker/{ID}\n0::/x\n")
    group = tmp_path / f"cgroup/blkio/docker/{ID}"
    write(group, cgroup__procs="42\n43\n44\n")
    (group / "blkio.throttle.io_service_bytes").write_text("Total 0\n")
    for pid, text in ((42, "rchar: 9\nread_bytes: 5\nwrite_bytes: 6\n"), (43, "read_bytes: 50\nwrite_bytes: 60\n")):
        write(tmp_path / f"proc/{pid}", io=text)
    state = meter.Meter(running, ID, tmp_path / "cgroup", tmp_path / "proc").read()
    assert (state.diskread, state.diskwrite) == (55, 66)
