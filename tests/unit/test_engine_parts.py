"""The pieces that a guest's Docker container is put together from."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.embedded.engine import labels
from harness.embedded.engine.options import EngineFacts
from harness.embedded.node.docker import bridges, changes, codec, devices, files, limits, templates
from harness.embedded.node.docker.names import Names
from harness.embedded.node.docker.ownership import Owner
from harness.embedded.node.docker.tools import Tools
from harness.embedded.node.docker.volumes import Volumes
from harness.embedded.node.runtime import GuestDevice, GuestError, GuestMount, GuestNet, GuestSpec

FACTS = EngineFacts("28.0", "overlay2", 2, cpus=4)
NO_TOOLS = cast("Tools", None)
NET = GuestNet(0, "eth0", "vmbr0", "BC:24:11:00:00:01", IPv4Interface("10.143.9.10/24"), IPv4Address("10.143.9.1"))
SPEC = GuestSpec(
    110,
    "config",
    "image",
    2,
    0.5,
    512,
    256,
    nets=(NET,),
    mounts=(GuestMount("mp0", "volume", "local-lvm:vm-110-disk-1", "/data", read_only=False),),
    devices=(GuestDevice("dev0", "/dev/net/tun", "0666", 0, 5),),
    ssh_public_keys="ssh-ed25519 AAAA",
    root_password="not for disk",
    features={"nesting": "1"},
)


# Limits


def test_swap_counts_on_top_of_memory_and_cpulimit_is_a_share_of_time():
    found = limits.limits(SPEC, FACTS)
    assert found["mem_limit"] == 512 << 20
    assert found["memswap_limit"] == 768 << 20
    assert found["cpu_quota"] == found["cpu_period"] // 2


def test_a_limit_that_is_taken_away_is_stated():
    found = limits.limits(replace(SPEC, cores=None, cpulimit=None), FACTS)
    assert (found["cpu_quota"], found["cpuset_cpus"]) == (-1, "0-3")


def test_without_swap_accounting_no_swap_limit_is_asked_for_and_the_log_says_so():
    said: list[str] = []
    facts = replace(FACTS, swap_limit=False, cpus=1)
    assert limits.limits(SPEC, facts)["memswap_limit"] == -1
    limits.explain(SPEC, facts, said.append)
    assert len(said) == 2


@given(st.integers(100, 10_000), st.integers(1, 300), st.integers(1, 256))
def test_a_cpuset_names_as_many_processors_as_cores_and_none_that_is_missing(vmid, cores, available):
    text = limits.processors(vmid, cores, available)
    first, _, last = text.partition("-")
    numbers = set(range(int(first), int(last) + 1)) if last else {int(part) for part in text.split(",")}
    assert len(numbers) == min(cores, available)
    assert numbers <= set(range(available))


# Devices


def test_a_device_of_the_workstation_is_refused_with_what_is_allowed():
    with pytest.raises(GuestError) as error:
        devices.mappings([GuestDevice("dev0", "/dev/sda", None, 0, 0)])
    assert "/dev/sda" in str(error.value)
    assert "/dev/fuse" in str(error.value.hint)


def test_a_safe_device_is_passed_through_with_its_owner_and_mode():
    device = GuestDevice("dev0", "/dev/null", None, 0, 5)
    assert devices.mappings([device]) == ["/dev/null:/dev/null:rwm"]
    assert devices.permission_script([device]) == "chown 0:5 /dev/null\nchmod 0660 /dev/null"


# Specification on disk


def test_a_specification_comes_back_from_disk_without_its_secrets():
    text = codec.encode(SPEC)
    assert "not for disk" not in text
    assert "AAAA" not in text
    assert codec.decode(text) == replace(SPEC, ssh_public_keys="", root_password=None)


def test_only_what_docker_cannot_change_calls_for_a_new_container():
    assert codec.fingerprint(SPEC) == codec.fingerprint(replace(SPEC, memory_mib=1024, nets=()))
    assert codec.fingerprint(SPEC) != codec.fingerprint(replace(SPEC, mounts=()))
    assert codec.fingerprint(SPEC) != codec.fingerprint(replace(SPEC, hostname="other"))


@pytest.mark.parametrize(
    ("key", "waiting"), [("mp0", True), ("dev3", True), ("nameserver", True), ("memory", False), ("net0", False)]
)
def test_which_changes_wait_for_a_restart(key, waiting):
    assert changes.waits(key) is waiting


# First files


def test_every_container_has_a_host_key_and_a_machine_id_of_its_own():
    first, second = ({file.path: file for file in files.first_files(SPEC)} for _ in range(2))
    assert first["etc/ssh/ssh_host_ed25519_key"].mode == 0o600
    assert b"OPENSSH PRIVATE KEY" in first["etc/ssh/ssh_host_ed25519_key"].data
    assert first["root/.ssh/authorized_keys"].data == b"ssh-ed25519 AAAA\n"
    for path in ("etc/ssh/ssh_host_ed25519_key", "etc/machine-id"):
        assert first[path].data != second[path].data


def test_files_go_into_the_container_as_root_with_their_modes():
    with tarfile.open(fileobj=io.BytesIO(files.archive(files.first_files(SPEC)))) as tar:
        member = tar.getmember("root/.ssh/authorized_keys")
    assert (member.mode, member.uid, member.gid) == (0o600, 0, 0)


def test_the_root_password_is_hashed_into_roots_line_only():
    shadow = files.with_root_password("root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n", "s3cret")
    root, daemon = shadow.splitlines()
    assert root.startswith("root:$6$")
    assert root.endswith(":19000:0:99999:7:::")
    assert daemon == "daemon:*:19000:0:99999:7:::"
    assert "s3cret" not in shadow


# Names


def test_interface_names_stay_below_the_kernels_limit():
    names = Names("a-rather-long-instance")
    assert len(names.interface(names.network("vmbr0"))) == 15
    assert Names("gitops").interface("gitops-vmbr0") == "gitops-vmbr0"


def test_two_instances_never_share_an_image_repository():
    assert Names("Test.A").repository(100) != Names("test-a").repository(100)
    assert Names("Test.A").repository(100).islower()


def test_a_volume_id_becomes_a_name_docker_takes():
    assert Names("gitops").volume("local:110/vm-110-disk-1.raw") == "gitops-local-110-vm-110-disk-1.raw"


# Networks


@pytest.mark.parametrize(
    ("network", "handed_out"),
    [("10.0.0.0/24", "10.0.0.192/26"), ("10.0.0.0/16", "10.0.192.0/18"), ("10.0.0.0/30", "10.0.0.0/30")],
)
def test_docker_hands_out_the_last_quarter(network, handed_out):
    assert bridges.dynamic_range(IPv4Network(network)) == IPv4Network(handed_out)


class FakeEngine:
    """The two network calls that a place needs."""

    api_version = "1.41"

    def __init__(self, *subnets: str) -> None:
        self.found = [self._network(f"node-vmbr{number}", subnet) for number, subnet in enumerate(subnets)]
        self.made: list[str] = []

    def _network(self, name: str, subnet: str) -> dict[str, object]:
        return {"Name": name, "Id": name, "IPAM": {"Config": [{"Subnet": subnet}]}, "Labels": {}}

    def networks(self, filters):
        return [network for network in self.found if filters["name"][0] in str(network["Name"])]

    def create_network(self, name, **options):
        self.made.append(name)
        self.found.append(self._network(name, options["ipam"]["Config"][0]["Subnet"]))


def test_an_address_of_the_bridge_goes_on_the_bridge():
    place = bridges.Bridges(FakeEngine("10.143.9.0/24"), Names("node")).place(NET, lambda _line: None)
    assert (place.network, place.address) == ("node-vmbr0", IPv4Address("10.143.9.10"))


def test_an_address_elsewhere_gets_a_network_of_its_own_and_the_log_says_so():
    engine, said = FakeEngine("10.143.8.0/24"), []
    place = bridges.Bridges(engine, Names("node")).place(NET, said.append)
    assert engine.made == [place.network] == ["node-vmbr0-10.143.9.0-24"]
    assert len(said) == 1


def test_a_second_interface_on_the_same_bridge_is_left_out_aloud():
    said: list[str] = []
    second = replace(NET, index=1, name="eth1", ip=IPv4Interface("10.143.9.11/24"))
    places = bridges.Bridges(FakeEngine("10.143.9.0/24"), Names("node")).places([NET, second], said.append)
    assert list(places) == ["node-vmbr0"]
    assert said[0].startswith("net1: left out")


def test_a_missing_bridge_is_an_error():
    with pytest.raises(GuestError, match="bridge 'vmbr0' does not exist"):
        bridges.Bridges(FakeEngine(), Names("node")).place(NET, lambda _line: None)


def test_mac_addresses_go_where_the_engine_looks_for_them():
    old = bridges.Bridges(FakeEngine("10.143.9.0/24"), Names("node"))
    assert old.mac_of_container((NET,)) == NET.hwaddr
    assert "MacAddress" not in old.endpoint(NET, bridges.Attachment("n", None))
    engine = FakeEngine("10.143.9.0/24")
    engine.api_version = "1.48"
    new = bridges.Bridges(engine, Names("node"))
    assert new.mac_of_container((NET,)) is None
    settings = new.endpoint(NET, bridges.Attachment("n", IPv4Address("10.143.9.10")))
    assert settings["MacAddress"] == NET.hwaddr
    assert settings["DriverOpts"] == {"com.docker.network.endpoint.ifname": "eth0"}


# Storage


@pytest.mark.parametrize("path", ["/../outside", "/", "/link/x"])
def test_a_bind_mount_stays_below_the_nodes_root(tmp_path, path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to("/etc")
    volumes = Volumes(None, Names("node"), tmp_path / "root", NO_TOOLS)
    with pytest.raises(GuestError, match="leads out of the node's own root"):
        volumes.bind_source(GuestMount("mp0", "bind", path, "/x", read_only=False))


def test_a_path_of_the_node_lies_below_its_root(tmp_path):
    volumes = Volumes(None, Names("node"), tmp_path, NO_TOOLS)
    mount = GuestMount("mp0", "bind", "/mnt/data", "/x", read_only=False)
    assert volumes.bind_source(mount) == tmp_path / "mnt/data"


# Templates


@pytest.mark.parametrize(
    ("name", "release"),
    [
        ("debian-13-standard_13.1-2_amd64.tar.zst", "13"),
        ("local:vztmpl/debian-12-standard_12.7-1_arm64.tar.zst", "12"),
        ("debian-11-standard_11.7-1_amd64.tar.zst", None),
        ("alpine-3.22-default_20250617_amd64.tar.xz", None),
    ],
)
def test_template_names_stand_for_debian_releases(name, release):
    assert templates.release_of(name) == release


def test_the_catalogue_is_of_this_machines_kind():
    assert {template.architecture for template in templates.catalogue("aarch64")} == {"arm64"}
    assert all(templates.release_of(template.name) for template in templates.catalogue("x86_64"))


def test_fetched_templates_are_remembered_and_forgotten(tmp_path):
    file = tmp_path / "templates.json"
    templates.Fetched(file).add("a", "image-a")
    assert templates.Fetched(file).all() == {"a": "image-a"}
    templates.Fetched(file).remove("a")
    assert templates.Fetched(file).all() == {}


# Whose a name is


def owned(owner: Owner) -> list[dict[str, object]]:
    return [{"Labels": {labels.OWNER: owner.label}}]


def test_a_checkout_knows_its_own_networks_also_after_it_was_moved(tmp_path):
    (tmp_path / "a").mkdir()
    label = owned(Owner.of(tmp_path / "a"))
    (tmp_path / "a").rename(tmp_path / "b")
    assert Owner.of(tmp_path / "b").check(label, "gitops")


def test_a_name_that_another_checkout_uses_is_refused(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    other = owned(Owner.of(tmp_path / "a"))
    with pytest.raises(GuestError) as error:
        Owner.of(tmp_path / "b").check(other, "gitops")
    assert "embedded.name" in str(error.value.hint)


def test_what_a_removed_checkout_left_may_go(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    left = owned(Owner.of(tmp_path / "a"))
    (tmp_path / "a" / "owner").unlink()
    assert not Owner.of(tmp_path / "b").check(left, "gitops")
