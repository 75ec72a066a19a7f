"""Linked clones: of what a storage makes them, and what then may not go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.embedded.node import fixture
from harness.embedded.node.errors import ApiError
from harness.embedded.node.memory_runtime import STANDARD
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_clone, guest_create, guest_destroy, guest_snapshots, guest_template

ROOT = "root@pam"


@pytest.fixture
def node() -> Iterator[Node]:
    with fixture.serve() as served:
        for name, kind in (("btrfs", "btrfs"), ("zfs", "zfspool")):
            served.node.storages.put(
                name, {"type": kind, "path": "/btrfs", "pool": "rpool", "content": "rootdir,images"}
            )
        yield served.node


def end(node: Node, upid: str) -> str:
    assert node.tasks.wait(upid, 10)
    return str(node.tasks.status(upid)["exitstatus"])


def create(node: Node, storage: str) -> None:
    given = {"vmid": "110", "ostemplate": f"local:vztmpl/{STANDARD[0].name}", "rootfs": f"{storage}:1"}
    asked = guest_create.request(ROOT, {**given, "features": "nesting=1"})
    assert end(node, guest_create.create(node, asked)) == "OK"


def clone(node: Node, snapshot: str | None = None) -> str:
    asked = guest_clone.Request(ROOT, 110, 111, None, None, None, snapshot, None, full=False)
    return end(node, guest_clone.clone(node, node.runtime, asked))  # type: ignore[arg-type]


def convert(node: Node) -> None:
    guest_template.convert(node, ROOT, 110)
    for task in node.tasks.running():
        assert node.tasks.wait(task["upid"], 10)


@pytest.mark.parametrize(
    ("storage", "what", "possible"),
    [
        ("local", "template", False),
        ("local-lvm", "template", True),
        ("local-lvm", "present", False),
        ("local-lvm", "snapshot", True),
        ("btrfs", "template", True),
        ("btrfs", "present", True),
        ("btrfs", "snapshot", True),
        ("zfs", "template", True),
        ("zfs", "present", False),
        ("zfs", "snapshot", False),
    ],
)
def test_a_storage_links_what_its_plugin_says(node: Node, storage: str, what: str, possible: bool) -> None:
    create(node, storage)
    if what == "template":
        convert(node)
    if what == "snapshot":
        assert end(node, guest_snapshots.create(node, ROOT, 110, "one", "")) == "OK"
    name = "one" if what == "snapshot" else None
    if possible:
        assert clone(node, name) == "OK"
        return
    volume = node.guests.load(110).config["rootfs"].partition(",")[0]
    with pytest.raises(ApiError, match=f"^Linked clone feature for '{volume}' is not available$"):
        clone(node, name)
    assert node.guests.find(111) is None


@pytest.mark.parametrize(
    ("storage", "first"),
    [
        ("local-lvm", "OK"),
        ("btrfs", "OK"),
        ("zfs", "base volume 'basevol-110-disk-0' is still in use by linked clones"),
    ],
)
def test_a_template_with_linked_clones_stays_where_they_need_it(node: Node, storage: str, first: str) -> None:
    create(node, storage)
    convert(node)
    assert clone(node) == "OK"
    assert end(node, guest_destroy.destroy(node, ROOT, 110, force=False, purge=False)) == first
    if first != "OK":
        assert end(node, guest_destroy.destroy(node, ROOT, 111, force=False, purge=False)) == "OK"
        assert end(node, guest_destroy.destroy(node, ROOT, 110, force=False, purge=False)) == "OK"


def test_what_has_snapshots_becomes_no_template(node: Node) -> None:
    create(node, "local-lvm")
    assert end(node, guest_snapshots.create(node, ROOT, 110, "one", "")) == "OK"
    with pytest.raises(ApiError, match=r"^unable to create template, because CT contains snapshots$"):
        guest_template.convert(node, ROOT, 110)
