"""Opening a workspace: which target, with which credentials, and what is started or written on the way."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from harness.embedded import launch
from harness.embedded.launch import NodeAccess
from harness.kit.errors import ConfigurationError, UnreachableError
from harness.kit.secret import Secret
from harness.lifecycle import own_node
from harness.lifecycle.workspace import Workspace
from harness.repo import identity

ACCESS = NodeAccess("10.143.0.1", 8006, "root@pam", Secret("made up"), "AB:" * 31 + "AB", IPv4Network("10.143.0.0/24"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    container = "CORES=1\nMEMORY=512\nSWAP=512\nDISK=local-lvm:8\nBOOT=yes\n"
    (tmp_path / "config.env").write_text(f"IP=10.143.0.10\nID=110\nHOSTNAME=config\n{container}")
    library = tmp_path / "libs" / "web"
    (library / "recipes").mkdir(parents=True)
    (library / "config.env").write_text(f"IP=10.143.0.11\nID=111\nHOSTNAME=web\n{container}")
    (library / "recipes" / "default.rb").write_text("package 'nginx'\n")
    (library / "specs").mkdir()
    (library / "specs" / "test_web.py").write_text("def test_it(host): ...\n")
    return tmp_path


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The embedded node's launcher: what it was asked for, and whether a node runs."""
    asked: dict[str, Any] = {"ensured": [], "running": True}

    def ensure(state: Path, **wanted: Any) -> NodeAccess:
        asked["ensured"].append({key: wanted[key] for key in ("port", "name", "network")})
        return ACCESS

    monkeypatch.setattr(launch, "ensure", ensure)
    monkeypatch.setattr(launch, "find", lambda state: ACCESS if asked["running"] else None)
    monkeypatch.setattr(own_node, "host_network_facts", lambda name: asked.get("facts", ((), ())))
    return asked


def settings(root: Path, **values: Any) -> None:
    path = root / "local" / "config.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(values))
    path.chmod(0o600)


def opened(root: Path, *, start_node: bool = True) -> Workspace:
    return Workspace.open(root, {}, start_node=start_node, say=lambda line: None)


def test_without_a_host_the_embedded_node_is_started_on_the_bridges_network(root: Path, node: dict[str, Any]) -> None:
    found = opened(root)
    assert found.target == "embedded"
    assert node["ensured"] == [{"port": 8006, "name": "gitops", "network": IPv4Network("10.143.0.0/24")}]
    assert found.pve.endpoint.fingerprint == ACCESS.fingerprint
    assert found.pve.credentials.is_root_ticket


def test_a_network_that_the_host_has_is_moved_once_and_workers_follow(root: Path, node: dict[str, Any]) -> None:
    node["facts"] = ((IPv4Network("10.143.0.0/24"),), ())
    moved = opened(root).inventory["web"].address
    assert moved.ip not in IPv4Network("10.143.0.0/24")
    assert str(moved.ip).endswith(".11")
    node["facts"] = ((), ())
    assert opened(root, start_node=False).inventory["web"].address == moved
    assert opened(root).inventory["web"].address == moved


def test_a_worker_starts_nothing(root: Path, node: dict[str, Any]) -> None:
    opened(root, start_node=False)
    node["running"] = False
    with pytest.raises(UnreachableError, match="does not run"):
        opened(root, start_node=False)
    assert node["ensured"] == []


def test_with_a_host_nothing_embedded_is_asked_for(root: Path, node: dict[str, Any]) -> None:
    settings(root, proxmox={"host": "pve.example", "password": "swordfish", "gateway": "10.143.0.1"})
    found = opened(root)
    assert found.target == "pve.example-8006"
    assert found.pve.endpoint.where == "pve.example:8006"
    assert node["ensured"] == []
    assert found.share.path.name == "pve.example-8006"


def test_a_token_comes_with_its_secret(root: Path, node: dict[str, Any]) -> None:
    settings(root, proxmox={"host": "pve.example", "token": "ci", "secret": "0000-1111", "gateway": "10.143.0.1"})
    credentials = opened(root).pve.credentials
    assert (credentials.identity, credentials.uses_ticket) == ("root@pam!ci", False)


def test_a_wrong_configuration_starts_nothing(root: Path, node: dict[str, Any]) -> None:
    (root / "libs" / "web" / "config.env").write_text("ID=42\n")
    with pytest.raises(ConfigurationError):
        opened(root)
    assert node["ensured"] == []
    assert not (root / identity.FILE).exists()


def test_the_first_run_gives_the_repository_its_id_and_the_login_its_password(root: Path, node: dict[str, Any]) -> None:
    first, second = opened(root), opened(root)
    assert first.monorepo == second.monorepo == identity.monorepo_id(root, create=False)
    assert first.password == second.password
    assert first.credentials_place == first.share.login_file


def test_a_configured_password_is_where_the_user_put_it(root: Path, node: dict[str, Any]) -> None:
    settings(root, login="me", password="swordfish")
    found = opened(root)
    assert (found.login, found.password) == ("me", Secret("swordfish"))
    assert found.credentials_place == root / "local" / "config.json"
