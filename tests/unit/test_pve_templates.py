"""Which template is taken, and when one is downloaded."""

from __future__ import annotations

from typing import Any, cast

import pytest

from harness.kit.clock import Deadline
from harness.pve import templates
from harness.pve.client import Pve
from harness.pve.errors import PermissionDenied

UPID = "UPID:pve:000019A7:000653EB:6B03E842:download::root@pam:"


class Node:
    """A PVE with a storage and a list of downloads."""

    def __init__(self, machine: str | None, stored: tuple[str, ...] = (), offered: tuple[str, ...] = ()) -> None:
        self.machine = machine
        self.stored = stored
        self.offered = offered
        self.posted: list[dict[str, Any]] = []

    def get(self, path: str, **params: Any) -> Any:
        if path == "nodes/pve/status" and self.machine is None:
            raise PermissionDenied("GET nodes/pve/status", 403, "Permission check failed (/nodes/pve, Sys.Audit)")
        answers: dict[str, Any] = {
            "nodes/pve/status": {"current-kernel": {"machine": self.machine}},
            "nodes/pve/storage/local/content": [{"volid": f"local:vztmpl/{name}"} for name in self.stored],
            "nodes/pve/aplinfo": [
                {"template": name, "package": name.partition("_")[0], "os": "debian-13"} for name in self.offered
            ],
            f"nodes/pve/tasks/{UPID}/status": {"status": "stopped", "exitstatus": "OK"},
            f"nodes/pve/tasks/{UPID}/log": [],
        }
        return answers[path]

    def post(self, path: str, **params: Any) -> Any:
        assert path == "nodes/pve/aplinfo"
        self.posted.append(params)
        return UPID


def ensure(node: Node, name: str) -> str:
    return templates.ensure(cast("Pve", node), "pve", "local", name, deadline=Deadline(60), on_log=lambda line: None)


STORED = (
    "debian-13-standard_13.9-1_amd64.tar.zst",
    "debian-13-standard_13.10-1_amd64.tar.zst",
    "debian-13-standard_13.11-1_arm64.tar.zst",
    "debian-12-standard_12.12-1_amd64.tar.zst",
)


def test_the_newest_by_number_is_taken_not_the_last_by_letters() -> None:
    node = Node("x86_64", STORED)
    assert ensure(node, "debian-13-standard") == "local:vztmpl/debian-13-standard_13.10-1_amd64.tar.zst"
    assert node.posted == []


def test_the_architecture_of_the_node_decides() -> None:
    assert ensure(Node("aarch64", STORED), "debian-13-standard").endswith("_13.11-1_arm64.tar.zst")


def test_a_template_that_the_storage_lacks_is_downloaded() -> None:
    node = Node("aarch64", (), ("debian-13-standard_13.6-1_amd64.tar.zst", "debian-13-standard_13.6-1_arm64.tar.zst"))
    assert ensure(node, "debian-13-standard") == "local:vztmpl/debian-13-standard_13.6-1_arm64.tar.zst"
    assert node.posted == [{"storage": "local", "template": "debian-13-standard_13.6-1_arm64.tar.zst"}]


def test_a_template_that_nobody_has_names_what_there_is() -> None:
    node = Node("x86_64", (), ("debian-13-standard_13.6-1_amd64.tar.zst",))
    with pytest.raises(templates.TemplateMissingError, match="no template debian-99-standard") as caught:
        ensure(node, "debian-99-standard")
    assert "debian-13-standard" in (caught.value.hint or "")


def test_credentials_that_may_not_see_the_architecture_take_what_is_there() -> None:
    node = Node(None, ("debian-13-standard_13.6-1_amd64.tar.zst",))
    assert ensure(node, "debian-13-standard").endswith("13.6-1_amd64.tar.zst")


def test_a_full_volume_id_is_taken_as_it_is() -> None:
    node = Node("x86_64", STORED)
    volume = "local:vztmpl/debian-13-standard_13.9-1_amd64.tar.zst"
    assert ensure(node, volume) == volume


@pytest.mark.parametrize(
    ("name", "file"),
    [("mine", "mine.tar.zst"), ("mine", "mine_amd64.tar.gz"), ("debian-13-standard", STORED[0])],
)
def test_names_of_files_that_people_upload(name: str, file: str) -> None:
    assert templates.newest([file], name, "amd64") == file


def test_a_name_is_not_the_beginning_of_another() -> None:
    assert templates.newest(["debian-13-standard-extra_1_amd64.tar.zst"], "debian-13-standard", "amd64") is None
