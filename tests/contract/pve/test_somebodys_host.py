"""The recorded chains on a node of somebody's: other names, another range, and others' things beside ours.

The node is an embedded one that is addressed as if it were foreign: by URL, password and fingerprint, with a node,
storages and a template of other names, a container and a user that are not ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from harness.embedded.node import fixture
from harness.embedded.node.memory_runtime import MemoryRuntime
from tests.contract.pve import selection
from tests.contract.pve.hosts import MAY, Host, from_environment
from tests.contract.pve.names import Names
from tests.contract.pve.player import Player
from tests.contract.pve.test_recorded_chains import RECORDED, SLOW, not_exact, options_of_the_recording

TEMPLATE = "debian-12-standard_12.12-1_amd64.tar.zst"
CHAINS = sorted(RECORDED.glob("*.jsonl"))
EVERYTHING = "backup,iso,vztmpl,rootdir,images,snippets,import"
STORAGES = {
    "files": {"type": "dir", "path": "/var/lib/vz", "content": EVERYTHING},
    "snaps": {"type": "btrfs", "path": "/mnt/btrfs", "content": "rootdir,images"},
}


@dataclass(frozen=True)
class Somebodys:
    """The node, what its owner says of it, and who plays."""

    served: fixture.Served
    runtime: MemoryRuntime
    host: Host
    player: Player


@pytest.fixture(scope="module")
def somebodys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Somebodys]:
    recorded = options_of_the_recording(tmp_path_factory.mktemp("node"))
    options = replace(recorded, name="rack7", storages=STORAGES, templates=(TEMPLATE,))
    runtime = MemoryRuntime()
    with fixture.serve(runtime, options=options, password="Passw0rd!") as served:
        named = {"PVE_NODE": "rack7", "PVE_STORAGE": "files", "PVE_SNAPSHOT_STORAGE": "snaps"}
        host = from_environment(
            {
                "PVE_URL": served.url,
                "PVE_PASSWORD": "Passw0rd!",
                "PVE_VMIDS": "9100-9199",
                "PVE_FINGERPRINT": served.fingerprint,
                "PVE_TEMPLATE": f"files:vztmpl/{TEMPLATE}",
                **named,
            }
        )
        assert host is not None
        player = Player(served.url, host.password, host.context, host.unlock, "127.0.0.1:9", Names(host))
        yield Somebodys(served, runtime, host, player)


@pytest.fixture(scope="module")
def beside(somebodys: Somebodys) -> dict[str, Any]:
    """A container, a user and a pool of the owner's; what the owner sees of them."""
    asked(somebodys, "POST", "/access/users", userid="owner@pve", password="OwnerPass1")
    asked(somebodys, "POST", "/pools", poolid="production")
    made = {"ostemplate": somebodys.host.template, "rootfs": "files:1", "hostname": "keep", "vmid": "120"}
    upid = asked(somebodys, "POST", "/nodes/rack7/lxc", **made)
    assert somebodys.served.node.tasks.wait(upid, 10)
    return seen_by_the_owner(somebodys)


def asked(somebodys: Somebodys, method: str, path: str, **params: str) -> Any:
    """What the owner's own request brings."""
    owner = replace(somebodys.player, names=None, tickets={})
    ticket, token = owner.login("root@pam", owner.password)
    headers = {"Cookie": f"PVEAuthCookie={quote(ticket)}", "CSRFPreventionToken": token}
    return owner.send(method, f"/api2/json{path}", urlencode(params) or None, headers).data


def seen_by_the_owner(somebodys: Somebodys) -> dict[str, Any]:
    users = ("/access/users/owner@pve", "/access/users/root@pam", "/access/roles")
    return {
        path: asked(somebodys, "GET", path) for path in ("/nodes/rack7/lxc/120/config", "/storage", "/pools", *users)
    }


@pytest.mark.parametrize("file", CHAINS, ids=lambda file: file.stem)
def test_what_may_be_asked_is_answered_as_recorded(file: Path, somebodys: Somebodys, beside: dict[str, Any]) -> None:
    lines, reason = selection.chosen([json.loads(text) for text in file.read_text().splitlines()], somebodys.host.may)
    if reason:
        assert reason.startswith("PVE_MAY=")
        return
    somebodys.player.clean()
    somebodys.runtime.seconds = SLOW if any(line.get("running") for line in lines) else 0.0
    results = dict(somebodys.player.play(lines))
    known = not_exact()
    assert {name: text for name, text in results.items() if text and name not in known} == {}
    somebodys.player.clean()
    assert seen_by_the_owner(somebodys) == beside


def test_most_chains_need_no_leave() -> None:
    played = [file.stem for file in CHAINS if not _chosen(file, frozenset())[1]]
    assert {"03-create-errors", "06-creates", "09-tasks", "10-firewall", "12-permissions"} <= set(played)


@pytest.mark.parametrize(
    ("chain", "word"),
    [("02-no-containers", "host"), ("04-ct100", "unlock"), ("11-transfers", "root"), ("14-ha", "cluster")],
)
def test_a_chain_that_touches_more_says_what_would_let_it(chain: str, word: str) -> None:
    _, reason = _chosen(RECORDED / f"{chain}.jsonl", frozenset())
    assert reason == f"PVE_MAY={word}: {MAY[word]}"
    assert _chosen(RECORDED / f"{chain}.jsonl", frozenset(MAY))[1] == ""


def test_a_host_without_a_lock_breaker_keeps_its_locks() -> None:
    lines = [{"step": "PUT", "path": "/nodes/pve/lxc/100/config", "params": {"lock": "backup"}}]
    assert selection.chosen(lines, frozenset())[1].startswith("PVE_MAY=unlock")


def _chosen(file: Path, may: frozenset[str]) -> tuple[list[Any], str]:
    found = selection.chosen([json.loads(text) for text in file.read_text().splitlines()], may)
    return list(found[0]), found[1]


@pytest.mark.parametrize(
    "text",
    [
        "/api2/json/nodes/pve/lxc/100/config",
        "/nodes/pve/storage/local/content/local%3Abackup%2Fvzdump-lxc-100-2026_11_23-07_12_59.tar.zst",
        "local:100/vm-100-disk-0.raw,size=1G",
        "local-btrfs:101/vm-101-disk-0.raw",
        "UPID:pve:000019A7:000653EB:6B03E842:vzcreate:100:root@pam!ci:",
        "CT 100 already exists on node 'pve'",
        "Permission check failed (/storage/local, Datastore.AllocateSpace)",
        "Configuration file 'nodes/pve/lxc/100.conf' does not exist",
        '{"data": [{"vmid": 100, "name": "CT100", "node": "pve", "storage": "local"}]}',
        "storage 'local-btrfs' is used by ct:100",
    ],
)
def test_a_text_goes_out_and_comes_back(text: str, host: Host) -> None:
    there = Names(host).out(text)
    assert "100" not in there.replace("9100", "")
    assert not any(f"{before}local{after}" in there for before in ("/", "'", '"') for after in ("/", "'", '"', ":"))
    assert Names(host).back(there) == text


@pytest.mark.parametrize("text", ["memory: 100", "size=150G", "line 100 of 120", "10.0.0.100/24", "localhost", "pveum"])
def test_a_number_that_is_no_container_stays(text: str, host: Host) -> None:
    assert Names(host).out(text) == text


@pytest.fixture
def host() -> Host:
    return Host("https://127.0.0.1:1", "", node="rack7", storage="files", snapshots="snaps", vmids=range(9100, 9200))


def test_the_environment_must_make_sense() -> None:
    given = {"PVE_URL": "https://h:8006/", "PVE_PASSWORD": "x"}
    found = from_environment({**given, "PVE_MAY": "host, alone", "PVE_UNLOCK": "pct unlock {vmid}"})
    assert found is not None
    assert (found.url, found.may) == ("https://h:8006", frozenset(("host", "alone", "unlock")))
    assert from_environment({"PVE_URL": "https://h:8006"}) is None
    for wrong in ({"PVE_MAY": "everything"}, {"PVE_VMIDS": "9100-9110"}, {"PVE_VMIDS": "50-200"}):
        with pytest.raises(ValueError, match="PVE_"):
            from_environment({**given, **wrong})


def test_another_certificate_is_not_trusted(somebodys: Somebodys) -> None:
    with pytest.raises(OSError, match="not the pinned one"):
        _ = replace(somebodys.host, fingerprint="00:" * 31 + "00").context
