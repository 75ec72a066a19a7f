"""The life of a task: an identifier at once, lines while it runs, an end that says what happened."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

UPID = re.compile(r"UPID:[\w-]+:[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:vzcreate:\d+:root@pam:")


def task_path(target: Any, upid: str) -> str:
    return f"/nodes/{target.node}/tasks/{quote(upid, safe='')}"


@pytest.fixture
def vmid(target: Any) -> Iterator[int]:
    target.remove(target.vmid + 1)
    yield target.vmid + 1
    target.remove(target.vmid + 1)


def start(target: Any, vmid: int, **params: Any) -> str:
    settings = {"ostemplate": target.template, "rootfs": f"{target.storage}:1", "features": "nesting=1", **params}
    return str(target.call("POST", target.lxc, vmid=vmid, **settings).data)


def test_a_task_has_an_identifier_of_the_known_form(target: Any, vmid: int) -> None:
    upid = start(target, vmid)
    assert UPID.fullmatch(upid)
    assert target.wait(upid) == "OK"


def test_the_log_is_numbered_from_one_and_ends_with_the_outcome(target: Any, vmid: int) -> None:
    upid = start(target, vmid)
    target.wait(upid)
    answer = target.call("GET", f"{task_path(target, upid)}/log", limit=0)
    assert [line["n"] for line in answer.data] == list(range(1, answer.body["total"] + 1))
    assert answer.data[-1]["t"] == "TASK OK"


def test_a_log_can_be_read_on_from_where_one_stopped(target: Any, vmid: int) -> None:
    upid = start(target, vmid)
    target.wait(upid)
    path = f"{task_path(target, upid)}/log"
    whole = target.call("GET", path, limit=0).data
    assert target.call("GET", path, start=1, limit=2).data == whole[1:3]


def test_a_failed_task_says_why_in_status_and_log(target: Any, vmid: int) -> None:
    upid = start(target, vmid, ostemplate=f"{target.storage}:vztmpl/nope.tar.zst")
    text = f"unable to create CT {vmid} - volume '{target.storage}:vztmpl/nope.tar.zst' does not exist"
    assert target.wait(upid) == text
    assert target.call("GET", f"{task_path(target, upid)}/log", limit=0).data[-1]["t"] == f"TASK ERROR: {text}"


def test_a_failed_create_leaves_no_container(target: Any, vmid: int) -> None:
    target.wait(start(target, vmid, ostemplate=f"{target.storage}:vztmpl/nope.tar.zst"))
    assert target.call("GET", f"{target.lxc}/{vmid}/config").status == 500
    volumes = target.call("GET", f"/nodes/{target.node}/storage/{target.storage}/content", vmid=vmid).data
    assert volumes == []


def test_finished_tasks_are_listed_newest_first(target: Any, vmid: int) -> None:
    first = start(target, vmid)
    target.wait(first)
    second = target.call("DELETE", f"{target.lxc}/{vmid}").data
    target.wait(second)
    answer = target.call("GET", f"/nodes/{target.node}/tasks", vmid=vmid, limit=2)
    assert [task["upid"] for task in answer.data] == [second, first]
    assert answer.body["total"] >= 2


def test_errors_can_be_listed_alone(target: Any, vmid: int) -> None:
    target.wait(start(target, vmid, ostemplate=f"{target.storage}:vztmpl/nope.tar.zst"))
    listed = target.call("GET", f"/nodes/{target.node}/tasks", errors=1, limit=5).data
    assert listed
    assert all(task["status"] != "OK" for task in listed)


def test_a_token_sees_only_its_own_tasks(target: Any, vmid: int) -> None:
    target.wait(start(target, vmid))
    assert target.call("GET", f"/nodes/{target.node}/tasks", "token-nothing").data == []


def test_a_second_create_of_the_same_id_is_refused_at_once(target: Any, vmid: int) -> None:
    upid = start(target, vmid)
    answer = target.call("POST", target.lxc, vmid=vmid, ostemplate=target.template)
    assert (answer.status, answer.reason) == (500, f"CT {vmid} already exists on node '{target.node}'")
    target.wait(upid)
