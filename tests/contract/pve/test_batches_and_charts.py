"""Several calls in one request, statistics as pictures, and what storages refuse."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest


def test_each_call_of_a_batch_has_an_answer_of_its_own(target: Any) -> None:
    commands = [
        {"method": "GET", "path": "version"},
        {"method": "GET", "path": f"lxc/{target.missing}/config"},
        {"method": "GET", "path": "tasks", "args": {"limit": "many"}},
        {"method": "GET", "path": "nothing/here"},
        {"method": "GET", "path": "dns"},
    ]
    answers = target.call("POST", f"/nodes/{target.node}/execute", commands=json.dumps(commands)).data
    assert [answer["status"] for answer in answers] == [200, 500, 400, 500, 200]
    assert "release" in answers[0]["data"]
    assert (
        answers[1]["message"] == f"Configuration file 'nodes/{target.node}/lxc/{target.missing}.conf' does not exist\n"
    )
    assert "limit" in answers[2]["errors"]


@pytest.mark.parametrize("commands", ["x", "{}", '["a"]', '[{"method": "GET"}]'])
def test_a_batch_is_a_list_of_calls(target: Any, commands: str) -> None:
    answer = target.call("POST", f"/nodes/{target.node}/execute", commands=commands)
    assert (answer.status, answer.reason) == (400, "Parameter verification failed.")


def test_a_batch_needs_no_less_than_its_calls(target: Any) -> None:
    commands = json.dumps([{"method": "POST", "path": "stopall"}])
    assert target.call("POST", f"/nodes/{target.node}/execute", "nobody", commands=commands).status == 401


@pytest.mark.parametrize("of", ["", "/storage/{storage}"])
def test_a_chart_is_a_picture(target: Any, of: str) -> None:
    path = f"/nodes/{target.node}{of.format(storage=target.storage)}/rrd"
    source = "used" if of else "cpu"
    found = target.call("GET", path, ds=source, timeframe="hour").data
    assert found["filename"].endswith(f"_{source}.png")
    image = found["image"].encode("latin-1")
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    assert min(struct.unpack(">II", image[16:24])) > 50


@pytest.mark.parametrize(
    ("storage", "filename", "reason"),
    [
        ("local", "notes", "unable to parse volume filename 'notes'"),
        ("local-lvm", "vm-998-disk-7", "illegal name 'vm-998-disk-7' - should be 'vm-999-*'"),
    ],
)
def test_a_volume_has_a_name_that_its_storage_takes(target: Any, storage: str, filename: str, reason: str) -> None:
    if target.real and storage == "local-lvm":
        pytest.skip("only a thin LVM has this rule")
    path = f"/nodes/{target.node}/storage/{target.storage if storage == 'local' else storage}/content"
    answer = target.call("POST", path, filename=filename, vmid=999, size="1G")
    assert (answer.status, answer.reason) == (500, reason)


def test_a_volume_has_a_size_in_bytes_or_with_a_unit(target: Any) -> None:
    path = f"/nodes/{target.node}/storage/{target.storage}/content"
    answer = target.call("POST", path, filename="vm-999-disk-7.raw", vmid=999, size="x")
    assert (answer.status, list(answer.body["errors"])) == (400, ["size"])


def test_a_storage_that_is_not_there_is_named(target: Any) -> None:
    answer = target.call("GET", f"/nodes/{target.node}/storage/nowhere/status")
    assert (answer.status, answer.body["errors"]) == (400, {"storage": "No such storage."})
    answer = target.call("GET", "/storage/nowhere")
    assert answer.reason == "storage 'nowhere' does not exist"
