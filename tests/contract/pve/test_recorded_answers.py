"""Answers of a real Proxmox VE 9.2, one a line in ``data/<state>/<behaviour>.jsonl``, asked again.

``empty`` is a node without our container, ``stopped`` and ``running`` have it. Errors must be equal to the letter; of
successes the keys and the types of values are compared, since values are the host's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parent / "data"
_VOLATILE = re.compile(r"UPID:[^:]+:[0-9A-F]+:[0-9A-F]+:[0-9A-F]+:")
_OPTIONAL = {"tags", "lock", "template", "unused", "comment", "search", "dns2", "dns3", "notes", "pool"}


def cases() -> Iterator[Any]:
    for file in sorted(DATA.glob("*/*.jsonl")):
        state = file.parent.name
        for line in file.read_text().splitlines():
            case = json.loads(line)
            yield pytest.param(state, case, id=f"{state}-{file.stem}-{case['name']}")


def localized(value: Any, target: Any) -> Any:
    """The case with this node's names in place of the placeholders."""
    text = json.dumps(value)
    names = {
        "@NODE@": target.node,
        "@STORAGE@": target.storage,
        "@TEMPLATE@": target.template,
        "@VMID@": str(target.vmid),
        "@MISSING@": str(target.missing),
        "@USER@": "contract@pve",
        "root@pam!ci": "root@pam!contract-separate",
        "/token/ci": "/token/contract-separate",
        "local%3A": f"{target.storage}%3A",
        "local:": f"{target.storage}:",
        "/nodes/pve": f"/nodes/{target.node}",
        "'pve'": f"'{target.node}'",
    }
    for placeholder, name in names.items():
        text = text.replace(placeholder, name)
    return json.loads(text)


@pytest.fixture
def state(request: pytest.FixtureRequest, target: Any) -> None:
    """Bring the node into the state that the case was recorded in."""
    wanted = request.param
    path = f"{target.lxc}/{target.vmid}"
    if wanted == "empty":
        target.remove(target.vmid)
        return
    if target.call("GET", f"{path}/config").status != 200:
        target.create(target.vmid, net0="name=eth0,bridge=vmbr0,ip=192.0.2.50/24,gw=192.0.2.1", tags="contract")
        if target.call("GET", "/pools/mypool").status != 200:
            target.call("POST", "/pools", poolid="mypool")
    running = target.call("GET", f"{path}/status/current").data["status"] == "running"
    if (wanted == "running") != running:
        assert target.work("POST", f"{path}/status/{'start' if wanted == 'running' else 'stop'}") == "OK"


@pytest.mark.parametrize(("state", "case"), list(cases()), indirect=["state"])
def test_the_answer_is_the_recorded_one(state: None, case: dict[str, Any], target: Any) -> None:
    wanted = localized(case, target)
    got = target.raw(wanted["as"], wanted["method"], wanted["path"], wanted.get("params"))
    assert (got.status, got.reason) == (wanted["status"], wanted["reason"])
    body = wanted["body"]
    failed = got.status >= 400 or (isinstance(body, dict) and body.get("success") == 0)
    if failed:
        assert got.body == body
    else:
        assert differences(body, got.body, "body") == []
    if "task" in wanted:
        assert same_end(target.wait(got.data), wanted["task"])


def same_end(got: str, wanted: str) -> bool:
    """Whether two exit statuses say the same; the number of warnings depends on the template."""
    return got == wanted or {got, wanted} <= {"OK", "WARNINGS: 1"}


def differences(wanted: Any, got: Any, where: str) -> list[str]:
    """Where keys or types differ; a missing key that only some objects have is no difference."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        missing = [f"{where}.{key}: missing" for key in wanted if key not in got and key not in _OPTIONAL]
        surplus = [f"{where}.{key}: unexpected" for key in got if key not in wanted and key not in _OPTIONAL]
        inner = [differences(wanted[key], got[key], f"{where}.{key}") for key in wanted if key in got]
        return missing + surplus + [text for texts in inner for text in texts]
    if isinstance(wanted, list) and isinstance(got, list):
        return differences(wanted[0], got[0], f"{where}[0]") if wanted and got else []
    if isinstance(wanted, str) and isinstance(got, str):
        return _text_difference(wanted, got, where)
    number = (int, float)
    same = isinstance(wanted, number) and isinstance(got, number) and not isinstance(got, bool)
    return [] if same or type(wanted) is type(got) else [f"{where}: {wanted!r} expected, got {got!r}"]


def _text_difference(wanted: str, got: str, where: str) -> list[str]:
    if wanted.startswith("UPID:") and _kind(wanted) != _kind(got):
        return [f"{where}: {wanted} expected, got {got}"]
    return []


def _kind(upid: str) -> str:
    """The type of a task; a subject and a user follow it, which are the node's own."""
    return _VOLATILE.sub("", upid).partition(":")[0]
