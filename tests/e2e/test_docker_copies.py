"""Containers made out of containers: clones, moved volumes, archives, with everything that a file has."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.embedded.node import archives
from harness.embedded.node.runtime import ArchiveError, GuestError, GuestMount, GuestSpec
from tests.e2e.runtime_world import Ground, opened, remains, silent

CAPABILITY = bytes.fromhex("0100000200040000") + bytes(12)
"""``security.capability`` that grants CAP_NET_BIND_SERVICE (linux/capability.h, revision 2)."""
ACCESS = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", tag, bits, who)
    for tag, bits, who in [(1, 6, 2**32 - 1), (2, 7, 1000), (4, 4, 2**32 - 1), (16, 7, 2**32 - 1), (32, 4, 2**32 - 1)]
)
"""``system.posix_acl_access`` that lets user 1000 do everything (acl(5), linux/posix_acl_xattr.h)."""
FILES = """\
set -e
mkdir -p /srv/q && cd /srv/q
echo hello > /srv/q/file
ln /srv/q/file /srv/q/again
ln -s file /srv/q/link
chown 1234:5678 /srv/q/file
chmod 4755 /srv/q/file
mkfifo /srv/q/pipe
cp /bin/true /srv/q/bound
echo listed > /srv/q/listed
cp -a /srv/q /data/q
"""
SHOWN = """\
for place in /srv/q /data/q; do
  cd $place && stat -c '%n %a %u:%g %h %F %y' * && cat file && readlink link
done
"""
HOLES = """\
truncate -s 64M /srv/q/hole /data/q/hole
rm /etc/issue.net
rm -r /usr/share/doc/base-files && mkdir /usr/share/doc/base-files && touch /usr/share/doc/base-files/ours
"""
HOLES_SHOWN = """\
for file in /srv/q/hole /data/q/hole; do [ $(stat -c %b $file) -lt 100 ] && echo sparse; done
ls /usr/share/doc/base-files; ls /etc/issue.net 2> /dev/null || echo gone
"""

CONFIG = "hostname: copied\n"


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with opened(tmp_path_factory.mktemp("copies"), f"test-q{os.getpid()}") as found:
        yield found


@pytest.fixture
def pair(ground: Ground, request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """Two VMIDs of the test's own; whatever it made is deleted."""
    ground.forget_hosts()
    first = 101 + sum(ord(letter) for letter in request.node.name) % 60
    yield first, first + 70
    for vmid in (first, first + 70):
        ground.runtime.delete(vmid)
        assert remains(ground.client, ground.name, vmid) == []


def with_volume(ground: Ground, vmid: int, *, backup: bool = False) -> GuestSpec:
    mount = GuestMount("mp0", "volume", f"local-lvm:vm-{vmid}-disk-1", "/data", read_only=False, backup=backup)
    return ground.spec(vmid, mounts=(mount,))


def root_of(ground: Ground, vmid: int) -> Path:
    """The files of a running container as its kernel shows them."""
    return Path(f"/proc/{ground.client.api.inspect_container(f'{ground.name}-{vmid}')['State']['Pid']}/root")


def fill(ground: Ground, vmid: int) -> None:
    """Files with everything that an archive may lose; attributes only where this user may set them."""
    ground.ssh(vmid, FILES)
    if os.geteuid() == 0:
        for places in (root_of(ground, vmid) / "srv/q", root_of(ground, vmid) / "data/q"):
            os.setxattr(places / "file", "user.colour", b"green")
            os.setxattr(places / "bound", "security.capability", CAPABILITY)
            os.setxattr(places / "listed", "system.posix_acl_access", ACCESS)


def attributes(ground: Ground, vmid: int) -> dict[str, bytes]:
    if os.geteuid() != 0:
        return {}
    names, root = ("file", "again", "bound", "listed"), root_of(ground, vmid)
    files = [root / place / name for place in ("srv/q", "data/q") for name in names]
    return {f"{f.relative_to(root)} {name}": os.getxattr(f, name) for f in files for name in os.listxattr(f)}


def test_every_copy_has_each_file_as_it_was(ground: Ground, pair: tuple[int, int]):
    first, second = pair
    spec = with_volume(ground, first)
    ground.up(spec)
    fill(ground, first)
    ground.ssh(first, HOLES)
    before, marks = ground.ssh(first, SHOWN), attributes(ground, first)
    assert ground.ssh(first, HOLES_SHOWN).split() == ["sparse", "sparse", "ours", "gone"]
    ground.runtime.snapshot(first, "kept", silent)
    ground.ssh(first, "rm -r /srv/q; find /data -mindepth 1 -delete; touch /etc/issue.net")
    ground.runtime.clone(first, "kept", with_volume(ground, second), silent)
    ground.runtime.rollback(first, "kept", replace(spec, hostname="anew"), silent)
    ground.runtime.update(spec, frozenset({"hostname"}))  # so that its start makes it anew once more
    for vmid in pair:
        ground.runtime.start(vmid, silent)
        assert ground.ssh(vmid, SHOWN) == before
        assert ground.ssh(vmid, HOLES_SHOWN).split() == ["sparse", "sparse", "ours", "gone"]
        assert attributes(ground, vmid) == marks


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sets attributes from outside")
def test_two_snapshots_that_differ_in_an_attribute_alone_are_two(ground: Ground, pair: tuple[int, int]):
    first, _ = pair
    ground.up(ground.spec(first))
    ground.ssh(first, "echo x > /srv/file")
    for colour in (b"red", b"blue"):
        os.setxattr(root_of(ground, first) / "srv/file", "user.colour", colour)
        ground.runtime.snapshot(first, colour.decode(), silent)
    ground.runtime.rollback(first, "red", ground.spec(first), silent)
    ground.runtime.start(first, silent)
    assert os.getxattr(root_of(ground, first) / "srv/file", "user.colour") == b"red"


def test_a_clone_is_a_machine_of_its_own_that_outlives_its_source(ground: Ground, pair: tuple[int, int]):
    first, second = pair
    ground.up(with_volume(ground, first))
    ground.ssh(first, "echo root > /root/mark; echo volume > /data/mark")
    machine = ground.ssh(first, "cat /etc/machine-id")
    ground.runtime.clone(first, None, with_volume(ground, second), silent)
    assert not ground.runtime.state(second).running
    ground.runtime.delete(first)
    assert remains(ground.client, ground.name, first) == []
    ground.runtime.start(second, silent)
    assert ground.ssh(second, "cat /root/mark /data/mark; hostname").split() == ["root", "volume", f"guest{second}"]
    assert ground.ssh(second, "cat /etc/machine-id") != machine


def test_a_clone_of_a_snapshot_has_what_was_there_then(ground: Ground, pair: tuple[int, int]):
    first, second = pair
    ground.up(with_volume(ground, first))
    ground.ssh(first, "echo then > /root/mark; echo then > /data/mark")
    ground.runtime.snapshot(first, "kept", silent)
    ground.ssh(first, "echo now > /root/mark; echo now > /data/mark")
    ground.runtime.clone(first, "kept", with_volume(ground, second), silent)
    ground.runtime.delete_snapshot(first, "kept")
    ground.runtime.delete(first)
    ground.runtime.start(second, silent)
    assert ground.ssh(second, "cat /root/mark /data/mark").split() == ["then", "then"]


def test_a_clone_that_fails_leaves_nothing(ground: Ground, pair: tuple[int, int]):
    first, second = pair
    ground.runtime.create(ground.spec(first), silent)
    with pytest.raises(GuestError, match=r"snapshot 'none' .* does not exist"):
        ground.runtime.clone(first, "none", ground.spec(second), silent)
    bad = replace(ground.spec(second), nets=(replace(ground.spec(second).nets[0], bridge="vmbr77"),))
    with pytest.raises(GuestError, match="vmbr77"):
        ground.runtime.clone(first, None, bad, silent)
    assert remains(ground.client, ground.name, second) == []


def test_a_templates_volume_keeps_its_content_under_its_new_name(ground: Ground, pair: tuple[int, int]):
    first, second = pair
    spec = with_volume(ground, first)
    ground.up(spec)
    ground.ssh(first, "echo base > /data/mark")
    ground.runtime.stop(first)
    renamed = replace(spec.mounts[0], source=f"local-lvm:base-{first}-disk-1")
    ground.runtime.update(replace(spec, mounts=(renamed,)), frozenset({"mp0"}))
    ground.runtime.clone(first, None, with_volume(ground, second), silent)
    ground.runtime.start(second, silent)
    assert ground.ssh(second, "cat /data/mark") == "base"


def test_a_volume_moves_and_its_source_can_go(ground: Ground, pair: tuple[int, int]):
    first, _ = pair
    spec = with_volume(ground, first)
    ground.up(spec)
    ground.ssh(first, "echo moved > /data/mark")
    ground.runtime.stop(first)
    target = f"local:{first}/vm-{first}-disk-1.raw"
    ground.runtime.copy_volume(first, f"local-lvm:vm-{first}-disk-1", target, silent)
    ground.runtime.delete_volume(first, f"local-lvm:vm-{first}-disk-1")
    volumes = [name for name in remains(ground.client, ground.name, first) if "disk" in name]
    assert volumes == [f"{ground.name}-local-{first}-vm-{first}-disk-1.raw"]
    ground.runtime.update(replace(spec, mounts=(replace(spec.mounts[0], source=target),)), frozenset({"mp0"}))
    ground.runtime.start(first, silent)
    assert ground.ssh(first, "cat /data/mark") == "moved"


def test_a_volume_handed_over_goes_with_its_new_owner(ground: Ground, pair: tuple[int, int]):
    first, second = pair
    ground.runtime.create(with_volume(ground, first), silent)
    ground.runtime.create(ground.spec(second), silent)
    target = f"local-lvm:vm-{second}-disk-1"
    ground.runtime.copy_volume(first, f"local-lvm:vm-{first}-disk-1", target, silent)
    ground.runtime.delete(first)
    assert f"{ground.name}-local-lvm-vm-{second}-disk-1" in remains(ground.client, ground.name, second)


@pytest.mark.parametrize("suffix", ["tar.zst", "tar"])
def test_an_archive_brings_every_file_back_as_it_was(ground: Ground, pair: tuple[int, int], tmp_path: Path, suffix):
    first, second = pair
    ground.up(with_volume(ground, first, backup=True))
    fill(ground, first)
    ground.ssh(first, "echo in > /data/mark; chown 77 /data/mark; echo out > /tmp/mark")
    before, marks = ground.ssh(first, SHOWN), attributes(ground, first)
    path, said = tmp_path / f"archive.{suffix}", list[str]()
    size = ground.runtime.archive(first, CONFIG, path, said.append)
    assert archives.pct_config(path) == CONFIG
    assert size == path.stat().st_size > 1 << 20
    assert any("Total bytes written" in line for line in said)
    assert ground.runtime.state(first).running, "writing an archive stops nothing"
    ground.runtime.restore(with_volume(ground, second, backup=True), path, silent, over=False)
    ground.runtime.start(second, silent)
    assert ground.ssh(second, SHOWN) == before
    assert attributes(ground, second) == marks
    assert ground.ssh(second, "cat /data/mark; stat -c %u /data/mark; ls /tmp").split()[:2] == ["in", "77"]
    assert "mark" not in ground.ssh(second, "ls /tmp")


def test_a_volume_without_backup_is_left_out_and_comes_back_empty(
    ground: Ground, pair: tuple[int, int], tmp_path: Path
):
    first, second = pair
    ground.up(with_volume(ground, first))
    ground.ssh(first, "echo private > /data/mark; echo kept > /root/mark")
    ground.runtime.stop(first)
    ground.runtime.archive(first, CONFIG, tmp_path / "a.tar", silent)
    ground.runtime.restore(with_volume(ground, second), tmp_path / "a.tar", silent, over=False)
    ground.runtime.start(second, silent)
    assert ground.ssh(second, "cat /root/mark; ls /data") == "kept"


def test_a_broken_archive_leaves_nothing(ground: Ground, pair: tuple[int, int], tmp_path: Path):
    _, second = pair
    for name, data in [("a.tar.zst", b"nothing"), ("a.tar.gz", b"\x1f\x8bshort"), ("a.tar", b"x" * 4000)]:
        (tmp_path / name).write_bytes(data)
        with pytest.raises((ArchiveError, GuestError)):
            ground.runtime.restore(ground.spec(second), tmp_path / name, silent, over=False)
    with pytest.raises(ArchiveError):
        ground.runtime.restore(ground.spec(second), tmp_path / "missing.tar", silent, over=False)
    assert remains(ground.client, ground.name, second) == []


def test_a_container_is_as_it_was_when_a_restore_over_it_fails(ground: Ground, pair: tuple[int, int], tmp_path: Path):
    first, _ = pair
    ground.up(with_volume(ground, first))
    ground.ssh(first, "echo old > /root/mark; echo old > /data/mark")
    ground.runtime.stop(first)
    before = remains(ground.client, ground.name, first)
    new = replace(with_volume(ground, first).mounts[0], source=f"local-lvm:vm-{first}-disk-2")
    over = replace(with_volume(ground, first), mounts=(new,))
    (tmp_path / "bad.tar.zst").write_bytes(b"\x28\xb5\x2f\xfd")
    with pytest.raises(GuestError):
        ground.runtime.restore(over, tmp_path / "bad.tar.zst", silent, over=True)
    assert remains(ground.client, ground.name, first) == before
    ground.runtime.archive(first, CONFIG, tmp_path / "a.tar", silent)
    bridge = replace(over.nets[0], bridge="vmbr77")
    with pytest.raises(GuestError, match="vmbr77"):
        ground.runtime.restore(replace(over, nets=(bridge,)), tmp_path / "a.tar", silent, over=True)
    ground.runtime.delete_volume(first, new.source)
    assert remains(ground.client, ground.name, first) == before
    ground.runtime.start(first, silent)
    assert ground.ssh(first, "cat /root/mark /data/mark").split() == ["old", "old"]
    ground.runtime.stop(first)
    ground.runtime.restore(over, tmp_path / "a.tar", silent, over=True)
    ground.runtime.start(first, silent)
    assert ground.ssh(first, "cat /root/mark; ls /data") == "old"


def test_an_archive_that_cannot_be_written_leaves_no_part(ground: Ground, pair: tuple[int, int], tmp_path: Path):
    first, _ = pair
    ground.up(ground.spec(first))
    with pytest.raises(GuestError, match="lzop"):
        ground.runtime.archive(first, CONFIG, tmp_path / "a.tar.lzo", silent)
    assert list(tmp_path.iterdir()) == list((ground.state / "node/runtime/parts").iterdir()) == []
    assert ground.ssh(first, "true") == ""


def test_growing_is_remembered_and_shrinking_refused(ground: Ground, pair: tuple[int, int]):
    first, _ = pair
    ground.runtime.create(ground.spec(first), silent)
    ground.runtime.resize(first, "rootfs", 8 << 30)
    with pytest.raises(GuestError, match="shrink"):
        ground.runtime.resize(first, "rootfs", 6 << 30)
