"""Clones, templates, moved volumes, backups: what a runtime that can copy makes of a container."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("embedded_only")


@pytest.fixture
def vmid(target: Any) -> Iterator[int]:
    number = target.vmid + 7
    for used in (number, number + 1):
        target.remove(used)
    target.create(number, hostname="source", net0="name=eth0,bridge=vmbr0,ip=192.0.2.57/24", tags="x", memory=300)
    yield number
    for used in (number, number + 1):
        target.remove(used)


def config(target: Any, vmid: int) -> dict[str, Any]:
    return dict(target.call("GET", f"{target.lxc}/{vmid}/config").data)


def test_a_clone_has_the_settings_and_a_hardware_address_of_its_own(target: Any, vmid: int) -> None:
    assert target.work("POST", f"{target.lxc}/{vmid}/clone", newid=vmid + 1, hostname="copy", full=1) == "OK"
    source, copy = config(target, vmid), config(target, vmid + 1)
    assert (copy["hostname"], copy["memory"], copy["tags"]) == ("copy", 300, "x")
    assert copy["net0"] != source["net0"]
    assert copy["rootfs"].startswith(f"{target.storage}:{vmid + 1}/")


def test_a_directory_storage_has_no_linked_clones(target: Any, vmid: int) -> None:
    answer = target.call("POST", f"{target.lxc}/{vmid}/clone", newid=vmid + 1, full=0)
    volume = config(target, vmid)["rootfs"].partition(",")[0]
    assert answer.reason == f"Linked clone feature for '{volume}' is not available"
    assert target.call("GET", f"{target.lxc}/{vmid + 1}/config").status == 500


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"target": "other"}, "no such cluster node 'other'"),
        ({"storage": "nope", "full": 1}, "storage 'nope' does not exist"),
        ({"snapname": "nope", "full": 1}, "snapshot 'nope' does not exist"),
        ({"storage": "local-lvm", "full": 0}, "parameter 'storage' not allowed for linked clones"),
    ],
)
def test_a_clone_that_cannot_be(target: Any, vmid: int, params: dict[str, Any], reason: str) -> None:
    answer = target.call("POST", f"{target.lxc}/{vmid}/clone", newid=vmid + 1, **params)
    assert (answer.status, answer.reason) == (500, reason)


def test_a_template_is_neither_started_nor_converted_again(target: Any, vmid: int) -> None:
    path = f"{target.lxc}/{vmid}"
    assert target.call("POST", f"{path}/template").data is None
    listed = target.call("GET", f"/nodes/{target.node}/tasks", source="all", typefilter="vztemplate", vmid=vmid).data
    assert target.wait(listed[0]["upid"]) == "OK"
    assert config(target, vmid)["rootfs"].startswith(f"{target.storage}:{vmid}/base-{vmid}-disk-")
    assert target.work("POST", f"{path}/status/start") == "you can't start a CT if it's a template"
    assert target.call("POST", f"{path}/template").reason == "you can't convert a template to a template"


def test_a_moved_volume_leaves_the_old_one_unused(target: Any, vmid: int) -> None:
    old = config(target, vmid)["rootfs"].partition(",")[0]
    path = f"{target.lxc}/{vmid}/move_volume"
    assert target.work("POST", path, volume="rootfs", storage=target.snapshot_storage) == "OK"
    found = config(target, vmid)
    assert found["unused0"] == old
    assert found["rootfs"].startswith(f"{target.snapshot_storage}:")


def test_a_backup_is_listed_and_restored_under_another_id(target: Any, vmid: int) -> None:
    settings = {"vmid": vmid, "storage": target.storage, "compress": "zstd", "notes_template": "of {{guestname}}"}
    assert target.work("POST", f"/nodes/{target.node}/vzdump", **settings) == "OK"
    content = f"/nodes/{target.node}/storage/{target.storage}/content"
    backup = target.call("GET", content, content="backup", vmid=vmid).data[0]
    assert (backup["notes"], backup["format"], backup["subtype"]) == ("of source", "tar.zst", "lxc")
    wanted = {"vmid": vmid + 1, "ostemplate": backup["volid"], "restore": 1, "unique": 1, "hostname": "again"}
    assert target.work("POST", target.lxc, storage=target.storage, **wanted) == "OK"
    restored = config(target, vmid + 1)
    assert (restored["hostname"], restored["memory"]) == ("again", 300)
    assert restored["net0"] != config(target, vmid)["net0"]
    assert target.work("DELETE", f"{content}/{backup['volid']}") == "OK"


def test_variables_of_notes_must_be_known(target: Any, vmid: int) -> None:
    settings = {"vmid": vmid, "storage": target.storage, "notes_template": "{{foo}}"}
    answer = target.call("POST", f"/nodes/{target.node}/vzdump", **settings)
    assert answer.body["errors"] == {"notes-template": "found unknown: variable 'foo' at char 4\n"}
