"""The pure parts of clones, archives, disk usage and mounts into running containers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.embedded.node import compression
from harness.embedded.node.docker import hotplug, interfaces, reader
from harness.embedded.node.docker.names import Names
from harness.embedded.node.docker.sizes import AGAIN_SECONDS, Sizes
from harness.embedded.node.docker.specs import Specs
from harness.embedded.node.runtime import ArchiveError, GuestError, GuestNet, GuestSpec
from harness.kit.process import Completed

NET = GuestNet(0, "eth0", "vmbr0", "BC:24:11:00:00:01", None, None)


# Names


@pytest.mark.parametrize(
    ("template", "container"),
    [
        ("local-lvm:base-100-disk-0", "local-lvm:vm-100-disk-0"),
        ("local:100/base-100-disk-0.raw", "local:100/vm-100-disk-0.raw"),
        ("zfs:basevol-100-disk-1", "zfs:subvol-100-disk-1"),
    ],
)
def test_a_templates_volume_is_the_one_it_was_before(template, container):
    assert Names("node").volume(template) == Names("node").volume(container)


@pytest.mark.parametrize(
    ("volume", "owner"),
    [("local-lvm:vm-100-disk-0", 100), ("local:101/subvol-101-disk-0.subvol", 101), ("local:iso/x.iso", None)],
)
def test_a_volumes_owner_is_in_its_name(volume, owner):
    assert Names.owner(volume) == owner


# Archives


def test_layers_are_read_from_the_uppermost_down():
    driver = {"Name": "overlay2", "Data": {"UpperDir": "/u", "LowerDir": "/i:/l"}}
    assert reader.layers({"GraphDriver": driver}) == ["/u", "/i", "/l"]


@pytest.mark.parametrize("found", [{}, {"GraphDriver": None}, {"GraphDriver": {"Name": "overlayfs", "Data": None}}])
def test_an_engine_that_shows_no_layers_is_told_apart(found):
    assert reader.layers(found) is None


def test_only_volumes_that_belong_to_an_archive_are_put_in():
    volumes = [reader.Volume("a", "/out", included=False), reader.Volume("b", "/in", included=True)]
    arguments = reader.arguments(2, volumes)
    assert arguments[:4] == ["/layer/0:/layer/1", "/volume/1", "/in", "--"]
    assert "--exclude=./out/*" in arguments
    assert not any("./in/" in argument for argument in arguments)


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tar.zst"])
def test_what_was_written_is_read_again(tmp_path: Path, name):
    path, data = tmp_path / name, os.urandom(300_000)
    with compression.writing(path) as out:
        out.write(data)
    with compression.reading(path) as plain:
        assert plain.read() == data


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tar.zst"])
def test_a_broken_archive_is_told_at_its_end(tmp_path: Path, name):
    (tmp_path / name).write_bytes(b"neither")
    with pytest.raises(ArchiveError), compression.reading(tmp_path / name) as plain:
        plain.read()


def test_a_missing_program_is_named_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GuestError) as error, compression.writing(tmp_path / "a.tar.xz"):
        pass
    assert error.value.hint == "apt-get install xz-utils"


def test_a_stream_given_up_leaves_no_process(tmp_path: Path):
    children = Path("/proc/self/task") / str(os.getpid()) / "children"
    before = children.read_text()
    with pytest.raises(TypeError), compression.writing(tmp_path / "a.tar.gz") as out:
        out.writelines([b"x", 1])  # type: ignore[list-item]
    assert children.read_text() == before


# Specifications


def test_a_specification_being_written_when_the_node_died_goes(tmp_path: Path):
    specs = Specs(tmp_path)
    specs.save(GuestSpec(100, "one", "image", 1, None, 128, 0))
    (tmp_path / ".100.json.half").write_text("{")
    specs.tidy()
    assert [file.name for file in tmp_path.iterdir()] == ["100.json"]
    assert specs.load(100).hostname == "one"
    specs.forget(100)
    with pytest.raises(GuestError, match="unknown"):
        specs.load(100)


# Disk usage


class Ticking:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = 0.0

    def monotonic(self) -> float:
        return self.time


class Counting:
    """An engine that counts how often it is asked."""

    asked = 0

    def containers(self, **_filters):
        self.asked += 1
        return [{"Labels": {"proxmox-gitops.vmid": "100"}, "SizeRootFs": 7}, {"Labels": {}}]


def test_disk_usage_is_counted_once_a_minute_and_when_containers_come():
    engine, clock = Counting(), Ticking()
    sizes = Sizes(engine, Names("node"), clock, lambda work: work())  # type: ignore[arg-type]
    assert [sizes.of(100), sizes.of(100), sizes.of(101)] == [7, 7, 0]
    assert engine.asked == 1
    clock.time += AGAIN_SECONDS
    sizes.of(100)
    sizes.expire()
    sizes.of(100)
    assert engine.asked == 3


def test_nobody_waits_for_a_count_and_two_never_run_at_once():
    waiting = []
    sizes = Sizes(Counting(), Names("node"), Ticking(), waiting.append)  # type: ignore[arg-type]
    assert sizes.of(100) == 0
    sizes.expire()
    sizes.of(100)
    assert len(waiting) == 1
    waiting[0]()
    assert sizes.of(100) == 7


# Interfaces


def test_an_interface_without_an_address_cannot_be_told_from_others():
    assert interfaces.renaming([NET]) is None


def test_only_other_names_than_the_engines_own_are_given_at_a_start():
    other = GuestNet(1, "lan0", "vmbr0", "BC:24:11:00:00:02", None, None)
    assert interfaces.named_otherwise([NET, other]) == [other]


# Mounts into running containers


def test_a_process_of_another_container_is_never_entered(tmp_path: Path):
    (tmp_path / "42").mkdir()
    (tmp_path / "42/cgroup").write_text("0::/system.slice/docker-abc.scope\n")
    assert not hotplug.is_possible(42, "def", tmp_path, tmp_path)
    assert not hotplug.is_possible(43, "abc", tmp_path, tmp_path)
    assert not hotplug.is_possible(42, "abc", tmp_path / "missing", tmp_path)


def test_a_refusal_of_the_kernel_leaves_the_mount_for_the_next_start():
    seen: list[str] = []

    def refusing(argv, **_options):
        seen.extend(argv)
        return Completed(tuple(argv), 1, b"", b"EPERM", 0.0)

    assert not hotplug.plug(42, Path("/data"), "/srv", read_only=True, run=refusing)
    assert seen[-4:] == ["42", "/data", "/srv", "ro"]
