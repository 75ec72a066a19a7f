"""What is written to a container and what is read back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

NET = "name=eth0,bridge=vmbr0,ip=192.0.2.51/24,gw=192.0.2.1"


@pytest.fixture
def vmid(target: Any) -> Iterator[int]:
    number = target.vmid + 2
    target.remove(number)
    target.create(number, net0=NET)
    yield number
    target.remove(number)


def config(target: Any, vmid: int, **params: Any) -> dict[str, Any]:
    return dict(target.call("GET", f"{target.lxc}/{vmid}/config", **params).data)


def put(target: Any, vmid: int, **params: Any) -> Any:
    return target.call("PUT", f"{target.lxc}/{vmid}/config", **params)


def test_defaults_are_written_back(target: Any) -> None:
    number = target.vmid + 3
    target.remove(number)
    asked = {"vmid": number, "ostemplate": target.template, "storage": target.storage}
    assert target.work("POST", target.lxc, **asked) in ("OK", "WARNINGS: 1")
    found = config(target, number)
    target.remove(number)
    assert (found["hostname"], found["memory"], found["swap"], found["unprivileged"]) == (f"CT{number}", 512, 512, 1)
    assert found["rootfs"].endswith("size=4G")


def test_an_interface_gets_a_hardware_address_and_its_type(target: Any, vmid: int) -> None:
    assert config(target, vmid)["net0"].startswith("name=eth0,bridge=vmbr0,gw=192.0.2.1,hwaddr=BC:24:11:")
    assert config(target, vmid)["net0"].endswith(",ip=192.0.2.51/24,type=veth")


def test_tags_are_sorted_and_descriptions_end_with_a_newline(target: Any, vmid: int) -> None:
    put(target, vmid, tags="B a,c;d B", description="one\ntwo")
    found = config(target, vmid)
    assert (found["tags"], found["description"]) == ("a;b;c;d", "one\ntwo\n")


def test_a_write_with_the_present_digest_changes_it(target: Any, vmid: int) -> None:
    before = config(target, vmid)["digest"]
    assert put(target, vmid, memory=300, digest=before).status == 200
    assert config(target, vmid)["digest"] != before


def test_a_write_with_an_old_digest_is_refused_and_changes_nothing(target: Any, vmid: int) -> None:
    old = config(target, vmid)["digest"]
    put(target, vmid, memory=300)
    answer = put(target, vmid, memory=400, digest=old)
    text = "detected modified configuration - file changed by other user? Try again."
    assert (answer.status, answer.reason, answer.body) == (500, text, {"data": None, "message": f"{text}\n"})
    assert config(target, vmid)["memory"] == 300


def test_nothing_to_write_is_refused(target: Any, vmid: int) -> None:
    assert put(target, vmid).reason == "no options specified"


def test_features_of_a_running_container_wait_for_its_restart(target: Any, vmid: int) -> None:
    assert target.work("POST", f"{target.lxc}/{vmid}/status/start") == "OK"
    put(target, vmid, features="nesting=1,keyctl=1", memory=300)
    assert config(target, vmid)["features"] == "nesting=1,keyctl=1"
    assert config(target, vmid, current=1)["features"] == "nesting=1"
    assert config(target, vmid, current=1)["memory"] == 300
    assert target.work("POST", f"{target.lxc}/{vmid}/status/reboot") == "OK"
    assert config(target, vmid, current=1)["features"] == "nesting=1,keyctl=1"


def test_a_pending_change_can_be_reverted(target: Any, vmid: int) -> None:
    target.work("POST", f"{target.lxc}/{vmid}/status/start")
    put(target, vmid, features="nesting=1,keyctl=1")
    put(target, vmid, revert="features")
    assert config(target, vmid)["features"] == "nesting=1"
    waiting = target.call("GET", f"{target.lxc}/{vmid}/pending").data
    assert not [item for item in waiting if "pending" in item]


def test_a_removed_mount_point_leaves_its_volume_unused(target: Any, vmid: int) -> None:
    put(target, vmid, mp0=f"{target.storage}:1,mp=/data")
    volume = config(target, vmid)["mp0"].partition(",")[0]
    put(target, vmid, delete="mp0")
    assert config(target, vmid)["unused0"] == volume


def test_a_disk_grows_and_does_not_shrink(target: Any, vmid: int) -> None:
    path = f"{target.lxc}/{vmid}/resize"
    assert target.work("PUT", path, disk="rootfs", size="+1G") == "OK"
    assert config(target, vmid)["rootfs"].endswith("size=2G")
    assert target.call("PUT", path, disk="rootfs", size="1G").reason == "unable to shrink disk size"


def test_a_protected_container_is_not_destroyed(target: Any, vmid: int) -> None:
    put(target, vmid, protection=1)
    answer = target.call("DELETE", f"{target.lxc}/{vmid}")
    assert answer.reason == f"can't remove CT {vmid} - protection mode enabled"
    put(target, vmid, protection=0)


def test_destroying_takes_access_entries_and_volumes_along(target: Any, vmid: int) -> None:
    target.call("PUT", "/access/acl", path=f"/vms/{vmid}", roles="PVEVMUser", users="contract@pve")
    assert target.work("DELETE", f"{target.lxc}/{vmid}") == "OK"
    assert not [entry for entry in target.call("GET", "/access/acl").data if entry["path"] == f"/vms/{vmid}"]
    path = f"/nodes/{target.node}/storage/{target.storage}/content"
    assert target.call("GET", path, vmid=vmid).data == []


def test_snapshots_form_a_chain_and_roll_back(target: Any, embedded_only: None) -> None:
    number = target.vmid + 4
    target.remove(number)
    target.create(number, rootfs=f"{target.snapshot_storage}:1", memory=300)
    path = f"{target.lxc}/{number}"
    assert target.work("POST", f"{path}/snapshot", snapname="one", description="first") == "OK"
    put(target, number, memory=400)
    assert target.work("POST", f"{path}/snapshot", snapname="two") == "OK"
    parents = {item["name"]: item.get("parent") for item in target.call("GET", f"{path}/snapshot").data}
    assert parents == {"one": None, "two": "one", "current": "two"}
    assert target.work("POST", f"{path}/snapshot/one/rollback") == "OK"
    assert config(target, number)["memory"] == 300
    assert target.work("DELETE", f"{path}/snapshot/one") == "OK"
    parents = {item["name"]: item.get("parent") for item in target.call("GET", f"{path}/snapshot").data}
    assert parents == {"two": None, "current": None}
    target.remove(number)


def test_a_directory_storage_has_no_snapshots(target: Any, vmid: int, embedded_only: None) -> None:
    end = target.work("POST", f"{target.lxc}/{vmid}/snapshot", snapname="one")
    assert end == "snapshot feature is not available"


def test_the_next_free_id_is_the_lowest(target: Any, vmid: int) -> None:
    taken = {int(item["vmid"]) for item in target.call("GET", "/cluster/resources", type="vm").data}
    assert vmid in taken
    free = target.call("GET", "/cluster/nextid").data
    assert isinstance(free, str)
    assert int(free) not in taken


def test_a_template_is_downloaded_from_the_list(target: Any, embedded_only: None) -> None:
    path = f"/nodes/{target.node}"
    name = target.call("GET", f"{path}/aplinfo").data[0]["template"]
    volume = f"{target.storage}:vztmpl/{name}"
    content = f"{path}/storage/{target.storage}/content"
    target.work("DELETE", f"{content}/{volume}")
    assert volume not in {item["volid"] for item in target.call("GET", content).data}
    assert target.work("POST", f"{path}/aplinfo", storage=target.storage, template=name) == "OK"
    assert volume in {item["volid"] for item in target.call("GET", content).data}


def test_all_containers_start_and_stop_in_one_task(target: Any, vmid: int, embedded_only: None) -> None:
    status = f"{target.lxc}/{vmid}/status/current"
    assert target.work("POST", f"/nodes/{target.node}/startall", force=1, vms=vmid) == "OK"
    assert target.call("GET", status).data["status"] == "running"
    assert target.work("POST", f"/nodes/{target.node}/stopall", vms=vmid) == "OK"
    assert target.call("GET", status).data["status"] == "stopped"


def test_switching_all_containers_needs_the_privilege(target: Any) -> None:
    answer = target.call("POST", f"/nodes/{target.node}/stopall", "token-nothing")
    assert answer.reason == "Permission check failed (/, VM.PowerMgmt)"


def test_an_interface_takes_no_larger_packets_than_its_bridge(target: Any, vmid: int, embedded_only: None) -> None:
    path = f"{target.lxc}/{vmid}/config"
    too_large = target.call("PUT", path, net0=f"{NET},mtu=9000")
    assert (too_large.status, too_large.reason) == (500, "net0: MTU size '9000' is bigger than bridge MTU '1500'")
    nowhere = target.call("PUT", path, net0="name=eth0,bridge=vmbr77,mtu=1400")
    assert nowhere.reason == "bridge 'vmbr77' does not exist"
    assert target.call("PUT", path, net0=f"{NET},mtu=1400").status == 200
    assert "mtu=1400" in target.call("GET", path).data["net0"]
