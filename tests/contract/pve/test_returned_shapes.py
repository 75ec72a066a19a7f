"""Every question of the schema, asked of a node that has something of everything: what comes back fits ``returns``.

PVE's own answers differ from its schema in places; those that recorded answers show are listed and accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Interface
from typing import Any
from urllib.parse import quote

import pytest
import requests

from harness.embedded.node import fixture
from harness.embedded.node.grammar import schema
from harness.embedded.node.runtime import Bridge
from tests.contract.pve.conftest import Target, _login

# Questions that another service answers, and those that a node of this kind must refuse.
_LEFT_OUT = {"/nodes/{node}/query-url-metadata", "/nodes/{node}/query-oci-repo-tags", "/cluster/ha/groups/{group}"}
_REFUSED = {"/cluster/ha/groups": 500, "/nodes/{node}/storage/{storage}/import-metadata": 500}
_REFUSED |= {f"/nodes/{{node}}/storage/{{storage}}/file-restore/{name}": 400 for name in ("list", "download")}
# Recorded answers show a text where the schema says number, and the reverse.
_TEXTS = ("pressure", "prefix", "nextid")
_OTHERWISE = {"fleecing", "performance", "value", "pending", "poolid"}
_CLOSED = {"type": "object", "additionalProperties": 0}
_NUMBERS = {"integer": int, "number": (int, float), "boolean": int}
Rule = Mapping[str, Any]
RELEASE = schema.load("9.2")
QUESTIONS = sorted(p for m, p in RELEASE.endpoints if m == "GET" and "returns" in RELEASE.endpoints[m, p].definition)


@pytest.fixture(scope="module")
def populated() -> Iterator[tuple[Target, dict[str, str]]]:
    options = replace(fixture.QUICK, bridges=(Bridge("vmbr0", IPv4Interface("192.0.2.10/24")),))
    with fixture.serve(options=options) as served:
        session = requests.Session()
        target = Target(served.url, served.password.reveal(), str(served.certificate), session=session)
        target.headers |= {"nobody": {}}
        target.headers["root"] = _login(target, "root@pam", target.password)
        yield target, _populate(target)
        session.close()


def _populate(target: Target) -> dict[str, str]:
    """Make one of everything; what the variables of paths stand for."""
    call, lxc = target.call, target.lxc
    call("POST", "/pools", poolid="mypool")
    net = "name=eth0,bridge=vmbr0,ip=192.0.2.50/24,gw=192.0.2.1"
    target.create(100, net0=net, pool="mypool", mp0="local:1,mp=/data", tags="a;b")
    target.create(101, rootfs="local-lvm:1")
    target.work("POST", f"{lxc}/101/snapshot", snapname="s1")
    target.work("POST", f"{lxc}/100/status/start")
    call("PUT", f"{lxc}/100/config", features="nesting=0")
    call("POST", "/cluster/ha/resources", sid="ct:101", state="stopped")
    call("POST", "/cluster/ha/rules", rule="r1", type="node-affinity", resources="ct:101", nodes="pve")
    call("POST", "/cluster/backup", id="job1", vmid="100", schedule="sat 01:00", storage="local")
    upid = call("POST", "/nodes/pve/vzdump", vmid=100, storage="local", mode="stop").data
    target.wait(upid)
    _populate_firewalls(target)
    call("POST", "/access/groups", groupid="g1")
    call("POST", "/access/users", userid="alice@pve", groups="g1", email="a@example.com")
    call("POST", "/access/users/alice@pve/token/ci", comment="c")
    backup = call("GET", "/nodes/pve/storage/local/content", content="backup").data[0]["volid"]
    named = {"userid": "alice@pve", "tokenid": "ci", "groupid": "g1", "roleid": "PVEVMAdmin", "realm": "pve"}
    named |= {
        "sid": "ct:101",
        "rule": "r1",
        "id": "job1",
        "poolid": "mypool",
        "iface": "vmbr0",
        "service": "sshd",
        "group": "web",
    }
    places = {"node": "pve", "vmid": "100", "storage": "local", "snapname": "s1", "name": "set1", "pos": "0"}
    return {**named, **places, "upid": upid, "cidr": "10.0.0.0/8", "volume": backup}


def _populate_firewalls(target: Target) -> None:
    rule = {"type": "in", "action": "ACCEPT", "proto": "tcp", "dport": "22", "comment": "x"}
    for path in ("/cluster/firewall", f"{target.lxc}/100/firewall"):
        target.call("POST", f"{path}/aliases", name="al", cidr="10.0.0.0/8")
        target.call("POST", f"{path}/rules", source="al", **rule)
        target.call("POST", f"{path}/ipset", name="set1", comment="c")
        target.call("POST", f"{path}/ipset/set1", cidr="10.0.0.0/8")
    target.call("POST", "/cluster/firewall/groups", group="web", comment="c")
    target.call("POST", "/cluster/firewall/groups/web", **rule)
    target.call("POST", "/nodes/pve/firewall/rules", **rule)
    target.call("PUT", "/nodes/pve/firewall/options", ndp=1, enable=1)


@pytest.mark.parametrize("path", [path for path in QUESTIONS if path not in _LEFT_OUT])
def test_an_answer_has_the_shape_of_the_schema(path: str, populated: tuple[Target, dict[str, str]]) -> None:
    target, named = populated
    endpoint = RELEASE.endpoints["GET", path]
    given = {
        **named,
        **({"vmid": "101"} if "snapshot" in path else {}),
        **({"name": "al"} if "aliases" in path else {}),
    }
    filled = path
    for name, value in given.items():
        filled = filled.replace(f"{{{name}}}", quote(value, safe=""))
    needed = {
        name: rule for name, rule in endpoint.rules.items() if not rule.get("optional") and f"{{{name}}}" not in path
    }
    params = {name: given.get(name) or (rule.get("enum") or ["cpu"])[0] for name, rule in needed.items()}
    answer = target.call("GET", filled, **params)
    assert answer.status == _REFUSED.get(path, 200), answer
    if answer.status == 200:
        assert list(misfits(endpoint.definition["returns"], answer.data, path.rpartition("/")[2])) == []


def misfits(rule: Rule, value: Any, where: str) -> Iterator[str]:
    """Where a value is not what a rule of the schema says."""
    kind = rule.get("type")
    if _is_known(where):
        return
    if value is None or kind == "null":
        if value is not None or not (kind in (None, "null") or rule.get("optional")):
            yield f"{where}: {value!r}, {kind} expected"
    elif kind == "array":
        yield from _list_misfits(rule, value, where)
    elif kind == "object":
        yield from _object_misfits(rule, value, where)
    elif not _fits(kind, value):
        yield f"{where}: {value!r}, {kind} expected"
    elif rule.get("enum") and str(value) not in map(str, rule["enum"]):
        yield f"{where}: {value!r} is not among {rule['enum']}"


def _is_known(where: str) -> bool:
    name = where.rpartition(".")[2]
    return name in _OTHERWISE or any(word in name for word in _TEXTS)


def _fits(kind: str | None, value: Any) -> bool:
    if kind == "string":
        return isinstance(value, str)
    if kind == "boolean" and value not in (0, 1):
        return False
    return kind not in _NUMBERS or isinstance(value, _NUMBERS[kind])


def _list_misfits(rule: Rule, value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{where}: {type(value).__name__}, a list expected"
        return
    for item in value:
        yield from misfits(rule.get("items", {}), item, f"{where}[]")


def _object_misfits(rule: Rule, value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: {type(value).__name__}, an object expected"
        return
    declared = rule.get("properties", {})
    for name, inner in declared.items():
        if name in value:
            yield from misfits(inner, value[name], f"{where}.{name}")
        elif not inner.get("optional") and "[n]" not in name and not _is_known(name):
            yield f"{where}.{name}: missing"
    if declared and not rule.get("additionalProperties", 1):
        yield from (f"{where}.{name}: not declared" for name in value if name not in declared and not _is_known(name))


@pytest.mark.parametrize(
    ("rule", "value", "said"),
    [
        ({"type": "integer"}, "1", ["x: '1', integer expected"]),
        ({"type": "boolean"}, 2, ["x: 2, boolean expected"]),
        ({"type": "array", "items": {"type": "string"}}, ["a", 1], ["x[]: 1, string expected"]),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {}, ["x.a: missing"]),
        (
            {"type": "object", "additionalProperties": 0, "properties": {"a": {"optional": 1}}},
            {"b": 1},
            ["x.b: not declared"],
        ),
        ({"type": "null"}, 0, ["x: 0, null expected"]),
    ],
)
def test_what_does_not_fit_is_found(rule: Rule, value: Any, said: list[str]) -> None:
    assert list(misfits(rule, value, "x")) == said
