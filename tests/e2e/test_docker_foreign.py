"""Root file systems that come from elsewhere: a user's own image, another distribution, another host's backup."""

from __future__ import annotations

import io
import os
import re
import subprocess
import tarfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from harness.embedded.engine import client as engine
from harness.embedded.engine import image
from harness.embedded.node import uploads
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_create, guest_order, guest_restore
from harness.embedded.node.runtime import GuestError
from harness.embedded.node.tasks import Task
from harness.kit.clock import Deadline, wait_until
from tests.e2e import crash_world
from tests.e2e.runtime_world import free_network, remains, silent

NEEDED = re.compile(
    r"(bin|sbin|lib|lib64|usr|usr/(bin|sbin|lib64|lib|lib/[^/]+-linux-gnu))$"
    r"|usr/bin/(sh|dash|sleep|cat|mount|umount|sed|grep|mkdir|rm)$|usr/lib64/|usr/lib/[^/]+-linux-gnu/(ld|lib(c|m|acl|attr|"
    r"selinux|pcre2|mount|blkid|smartcols)[-.0-9])"
)
ROOT = "root@pam"
INIT = b"#!/bin/sh\ntrap 'echo asked > /root/ended; exit 0' PWR\necho $$ > /root/first\nwhile :; do sleep 0.1; done\n"
PCT = """\
#made%20elsewhere
arch: amd64
cores: 1
hostname: traveller
memory: 96
mp0: ceph:vm-4711-disk-1,mp=/data,backup=1,size=1G
net0: name=eth0,bridge=vmbr0,hwaddr=BC:24:11:AA:BB:CC,type=veth
ostype: alpine
rootfs: ceph:vm-4711-disk-0,size=2G
swap: 0
unprivileged: 1

[before]
hostname: younger
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    state, name = tmp_path_factory.mktemp("foreign"), f"test-f{os.getpid()}"
    try:
        with crash_world.started(state, name, f"{free_network().network_address + 1}/24") as found:
            yield found
    finally:
        crash_world.destroyed(name)
        with engine.opened() as client:
            assert remains(client, name) == []


@pytest.fixture(scope="module")
def system(node: Node) -> Path:
    """A whole Debian as a user may have made it."""
    path = place(node, "template/cache/debian-own_1_amd64.tar")
    with engine.opened() as client:
        api = client.api
        made = api.create_container(image.ensure_base(client, "13", print), "true")["Id"]
        try:
            with path.open("wb") as out:
                for chunk in api.export(made):
                    out.write(chunk)
        finally:
            api.remove_container(made)
    return path


def place(node: Node, inner: str) -> Path:
    assert node.options.root is not None
    path = node.options.root / "var/lib/vz" / inner
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def small(system: Path, target: Path, files: dict[str, bytes], first: dict[str, bytes] | None = None) -> None:
    """A system of a handful of programs, zstd-compressed as its name says."""
    plain = target.with_suffix("")
    with tarfile.open(system) as source, tarfile.open(plain, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in (first or {}).items():
            _add(tar, f"./{name}", data)
        for member in source:
            if NEEDED.match(member.name.rstrip("/")):
                tar.addfile(member, source.extractfile(member) if member.isreg() else None)
        for name, data in files.items():
            _add(tar, f"./{name}", data)
    subprocess.run(["zstd", "-q", "-1", "--rm", str(plain), "-o", str(target)], check=True)


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.uid = len(data), 0o755, 7
    info.pax_headers = {"SCHILY.xattr.user.colour": "green"}
    tar.addfile(info, io.BytesIO(data))


def created(node: Node, vmid: int, template: str, **more: str) -> dict[str, str]:
    params = {"vmid": str(vmid), "ostemplate": f"local:vztmpl/{template}", "storage": "local-lvm", "memory": "128"}
    upid = guest_create.create(node, guest_create.request("root@pam", {**params, **more}))
    status = crash_world.finished(node, upid)
    assert status.startswith(("OK", "WARNINGS")), status
    return dict(node.guests.load(vmid).config)


def failed(node: Node, vmid: int, template: str, **more: str) -> str:
    params = {"vmid": str(vmid), "ostemplate": f"local:vztmpl/{template}", "storage": "local-lvm"}
    upid = guest_create.create(node, guest_create.request("root@pam", {**params, **more}))
    return crash_world.finished(node, upid)


def root_of(node: Node, vmid: int) -> Path:
    return Path(f"/proc/{node.state(vmid).pid}/root")


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root looks into containers from outside")


@as_root
def test_a_users_own_image_becomes_a_machine(node: Node, system: Path) -> None:
    config = created(node, 120, system.name, password="s3cret-pass", net0="name=eth0,bridge=vmbr0,ip=dhcp")
    assert config["ostype"] == "debian"
    assert f"local:vztmpl/{system.name}" in node.storages.volumes, "a file that was laid in is found"
    node.runtime.start(120, silent)
    root = root_of(node, 120)
    assert Path(f"/proc/{node.state(120).pid}/exe").readlink().name == "systemd"
    assert "root:$6$" in (root / "etc/shadow").read_text()
    assert (root / "etc/ssh/ssh_host_ed25519_key").exists()
    assert len((root / "etc/machine-id").read_text()) == 33
    assert {"lo", "eth0"} <= {found.name for found in node.runtime.interfaces(120)}
    node.runtime.shutdown(120, 30)
    assert not node.is_running(120)


@as_root
def test_another_init_is_started_and_asked_to_end(node: Node, system: Path) -> None:
    target = place(node, "template/cache/alpine-own_1_amd64.tar.zst")
    alpine = {"etc/os-release": b"ID=alpine\n", "etc/alpine-release": b"3.20\n", "usr/sbin/init": INIT, "root/x": b"x"}
    small(system, target, alpine)
    config = created(node, 121, target.name, ostype="debian", net0="name=eth0,bridge=vmbr0")
    assert config["ostype"] == "alpine"
    node.runtime.start(121, silent)
    root = root_of(node, 121)
    assert wait_until((root / "root/first").exists, Deadline(20), "init")
    assert os.getxattr(root / "root/x", "user.colour") == b"green"
    assert (root / "root/x").stat().st_uid == 7
    assert {"lo", "eth0"} <= {found.name for found in node.runtime.interfaces(121)}, "this system has no ip(8)"
    node.runtime.shutdown(121, 30)
    node.runtime.start(121, silent)
    assert (root_of(node, 121) / "root/ended").read_text() == "asked\n"


def test_an_unmanaged_system_has_what_its_archive_has(node: Node, system: Path) -> None:
    target = place(node, "template/cache/odd_1_amd64.tar.zst")
    small(system, target, {"root/x": b"x", "etc/os-release": b"ID=plan9\n", "etc/ssh/x": b""})
    assert "unable to detect OS distribution" in failed(node, 122, target.name)
    assert created(node, 122, target.name, ostype="unmanaged", password="s3cret-pass")["ostype"] == "unmanaged"
    with pytest.raises(GuestError, match="startup for container '122' failed"):
        node.runtime.start(122, silent)
    assert not node.is_running(122)


@as_root
def test_a_backup_of_another_host_is_restored(node: Node, system: Path) -> None:
    target = place(node, "dump/vzdump-lxc-4711-2026_01_02-03_04_05.tar.zst")
    laid = {"etc/os-release": b"ID=alpine\n", "usr/sbin/init": INIT, "data/mark": b"volume", "etc/keep": b"k"}
    small(system, target, laid, first={"etc/vzdump/pct.conf": PCT.encode(), "etc/vzdump/pct.fw": b""})
    params = {"vmid": "123", "ostemplate": f"local:backup/{target.name}", "restore": "1", "storage": "local-lvm"}
    asked = guest_create.request("root@pam", params)
    upid = guest_restore.restore(node, node.runtime, asked, unique=False)  # type: ignore[arg-type]
    assert crash_world.finished(node, upid) == "OK"
    config = node.guests.load(123).config
    assert (config["hostname"], config["memory"], config["description"]) == ("traveller", "96", "made elsewhere\n")
    assert config["rootfs"] == "local-lvm:vm-123-disk-0,size=2G"
    node.runtime.start(123, silent)
    root = root_of(node, 123)
    assert (root / "data/mark").read_bytes() == b"volume"
    assert os.getxattr(root / "data/mark", "user.colour") == b"green"
    assert (root / "etc/keep").exists()
    assert not (root / "etc/vzdump").exists()


def test_containers_start_and_stop_in_their_order(node: Node) -> None:
    for vmid, place in ((130, "order=2"), (131, "order=1,up=1")):
        created(node, vmid, crash_world.TEMPLATE, startup=place)
    guests = [node.guests.load(vmid) for vmid in (130, 131)]
    upid = node.tasks.start("startall", "", "root@pam", lambda task: guest_order.start_all(node, ROOT, guests, task))
    assert crash_world.finished(node, upid) == "OK"
    with engine.opened() as client:
        found = [client.api.inspect_container(f"test-f{os.getpid()}-{vmid}")["State"] for vmid in (131, 130)]
    first, second = (datetime.fromisoformat(state["StartedAt"][:19]) for state in found)
    assert (second - first).total_seconds() >= 1
    assert all(state["Running"] for state in found)

    def stop(task: Task) -> None:
        guest_order.stop_all(node, ROOT, guests, task, timeout=30, force=True)

    assert crash_world.finished(node, node.tasks.start("stopall", "", ROOT, stop)) == "OK"
    assert not any(node.is_running(vmid) for vmid in (130, 131))


def test_a_template_that_is_deleted_leaves_its_containers(node: Node, system: Path) -> None:
    created(node, 124, system.name)
    tag = node.runtime.resolve_template(system.name)
    assert tag is not None
    uploads.forget(node, f"local:vztmpl/{system.name}")
    node.runtime.forget_template(system.name)
    assert node.runtime.resolve_template(system.name) is None
    node.runtime.start(124, silent)
    assert node.is_running(124)
    node.runtime.delete(124)
