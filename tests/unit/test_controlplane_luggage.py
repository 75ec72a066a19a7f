"""What travels to a control plane besides git, and how it is laid down."""

from __future__ import annotations

import io
import json
import tarfile
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import cast

import pytest

from harness.config.settings import ControlPlaneSettings, EmbeddedSettings, GiteaSettings, ProxmoxSettings, Settings
from harness.config.settings_file import load_settings
from harness.config.share import Share
from harness.controlplane import container, luggage, programs
from harness.controlplane.account import forge_account
from harness.controlplane.container import Place
from harness.controlplane.kit import ACCOUNT, FILES, UNITS
from harness.controlplane.luggage import PASSWORD_FILE, Luggage, NodeAddress
from harness.embedded.engine import system
from harness.embedded.engine.files import File
from harness.embedded.engine.system import SystemSpec
from harness.embedded.forge import __main__ as forge_program
from harness.embedded.forge import server
from harness.embedded.node.docker import ownership
from harness.embedded.runner import __main__ as runner_program
from harness.kit.errors import HarnessError, UnreachableError, UsageError
from harness.kit.secret import Secret
from harness.lifecycle.way import node_elsewhere

PASSWORD = Secret("correct-horse-battery")
ON_A_HOST = Settings(
    proxmox=ProxmoxSettings(
        host="pve.lan",
        port=8007,
        token="root@pam!ci",
        secret=Secret("11111111-2222"),
        fingerprint=":".join(["AB"] * 32),
        nodes=("one", "two"),
        gateway=IPv4Address("192.168.7.1"),
    ),
    embedded=EmbeddedSettings(name="mine"),
    control_plane=ControlPlaneSettings(port=9090),
    login="someone",
    password=PASSWORD,
    cinc_mirror="https://mirror.lan/cinc",
    forge="gitea",
    gitea=GiteaSettings(sha256=("a" * 64,), runner_sha256=("b" * 64, "c" * 64)),
)


def packed(tmp_path: Path, settings: Settings | None = None, node: NodeAddress | None = None) -> Luggage:
    share = Share(tmp_path / "embedded")
    share.revision_key()
    (share.keys / "111").write_text("private")
    (share.keys / "111.pub").write_text("public")
    share.known_hosts.write_text("10.143.0.11 ssh-ed25519 AAAA\n")
    return Luggage(settings or Settings(), share, "someone", PASSWORD, node)


def test_settings_are_the_same_after_the_journey(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.touch(mode=0o600)
    file.write_text(luggage.render_settings(ON_A_HOST))
    found = load_settings(tmp_path, {"GITOPS_CONFIG": str(file)})
    assert found.proxmox == ON_A_HOST.proxmox
    assert (found.login, found.password, found.cinc_mirror) == ("someone", PASSWORD, "https://mirror.lan/cinc")
    assert found.control_plane == ON_A_HOST.control_plane


def test_what_nobody_has_set_does_not_travel_to_a_released_harness_that_may_not_know_it() -> None:
    assert json.loads(luggage.render_settings(Settings())) == {"login": "admin"}


def test_everything_belongs_to_the_account_alone(tmp_path: Path) -> None:
    files = [*packed(tmp_path).files(first=True), packed(tmp_path).password_file()]
    assert {file.owner for file in files} == {ACCOUNT}
    assert {file.mode for file in files if file.data is None} == {0o700}
    assert {file.mode for file in files if file.data is not None} == {0o600}


def test_keys_and_state_lie_where_the_same_target_finds_them(tmp_path: Path) -> None:
    found = {file.path: file.data for file in packed(tmp_path).files(first=True)}
    home = "/var/lib/gitops/share/embedded"
    assert found[f"{home}/keys/111"] == b"private"
    assert found[f"{home}/revision.key"] == (tmp_path / "embedded" / "revision.key").read_bytes()
    assert found[f"{home}/known_hosts"] is not None
    assert not any(".lock" in path for path in found)


def test_known_hosts_travel_once(tmp_path: Path) -> None:
    assert not any(file.path.endswith("known_hosts") for file in packed(tmp_path).files(first=False))


def test_whatever_changes_makes_it_travel_again(tmp_path: Path) -> None:
    before = packed(tmp_path).digest()
    assert packed(tmp_path).digest() == before
    (tmp_path / "embedded" / "keys" / "112").write_text("new")
    assert packed(tmp_path).digest() != before


def test_inside_the_embedded_node_is_found_where_the_workstation_said(tmp_path: Path) -> None:
    node = NodeAddress("10.143.0.1", 8006, "root@pam", Secret("node-password"), "AB:CD")
    files = {file.path: file.data for file in packed(tmp_path, node=node).files(first=True)}
    inside = Share(tmp_path / "inside")
    inside.node_access.write_bytes(files["/var/lib/gitops/share/embedded/node-access.json"] or b"")
    told = node_elsewhere(inside)
    assert told is not None
    endpoint, credentials = told
    assert (endpoint.host, endpoint.port, endpoint.fingerprint) == ("10.143.0.1", 8006, "AB:CD")
    assert credentials.password == Secret("node-password")


def test_a_workstation_is_told_of_no_other_node(tmp_path: Path) -> None:
    assert node_elsewhere(Share(tmp_path / "embedded")) is None


def test_a_damaged_note_of_the_node_says_how_to_get_a_new_one(tmp_path: Path) -> None:
    share = Share(tmp_path / "embedded")
    share.node_access.write_text('{"host": "10.143.0.1"}')
    with pytest.raises(UnreachableError) as failed:
        node_elsewhere(share)
    assert "./run local" in str(failed.value.hint)


def test_keys_that_this_side_lacks_are_taken_and_others_stay(tmp_path: Path) -> None:
    share = packed(tmp_path).share
    found = {"111": b"theirs", "112": b"new", "112.pub": b"new public", "../evil": b"x", ".lock": b""}
    assert luggage.merge_keys(share, found) == ("112", "112.pub")
    assert (share.keys / "111").read_text() == "private"
    assert (share.keys / "112").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "embedded" / "evil").exists()


@pytest.mark.parametrize(
    ("login", "account"), [("someone", "someone"), ("admin", "gitops-admin"), ("gitops", "gitops-gitops")]
)
def test_a_login_that_forges_keep_for_themselves_gets_a_prefix(login: str, account: str) -> None:
    assert forge_account(login) == account


def test_the_password_lies_where_the_forge_looks() -> None:
    assert PASSWORD_FILE == server.PASSWORD_FILE


@pytest.mark.parametrize("unit", UNITS)
def test_the_units_are_confined(unit: str) -> None:
    lines = set((FILES / unit).read_text().splitlines())
    assert {"User=gitops", "NoNewPrivileges=yes", "ProtectSystem=strict", "ReadWritePaths=/var/lib/gitops"} <= lines


def test_the_units_call_the_programs_as_they_are_to_be_called(tmp_path: Path) -> None:
    run = programs.of(None, "http://localhost:8080")
    environment = {file.path: (file.data or b"").decode() for file in container._environment(packed(tmp_path), run)}
    values = dict(line.split("=", 1) for text in environment.values() for line in text.splitlines())
    assert (values["FORGE_MODULE"], values["RUNNER_MODULE"]) == ("harness.embedded.forge", "harness.embedded.runner")
    forge = ["--state", "/x", "--admin", values["FORGE_ADMIN"], *values["FORGE_OPTIONS"].split()]
    given = forge_program._parser().parse_args(forge)
    assert given.listen == "0.0.0.0:8080"
    runner = ["--state", "/x", "--forge", values["RUNNER_FORGE"], *values["RUNNER_OPTIONS"].split()]
    assert runner_program.parser().parse_args(runner).forge == "http://127.0.0.1:8080"


def test_another_image_port_or_volume_is_another_container() -> None:
    spec = SystemSpec("a", "config", "image:1", "me", {"v": "/data"}, {8080: ("127.0.0.1", 8080)})
    others = [
        SystemSpec("a", "config", "image:2", "me", {"v": "/data"}, {8080: ("127.0.0.1", 8080)}),
        SystemSpec("a", "config", "image:1", "me", {"v": "/data"}, {8080: ("127.0.0.1", 8081)}),
    ]
    assert spec.fingerprint not in {other.fingerprint for other in others}
    moved = SystemSpec("a", "config", "image:1", "me elsewhere", {"v": "/data"}, {8080: ("127.0.0.1", 8080)})
    assert moved.fingerprint == spec.fingerprint


def test_a_free_address_is_taken_from_the_far_end() -> None:
    network = IPv4Network("10.143.0.0/29")
    taken = {IPv4Address(f"10.143.0.{number}") for number in (1, 6)}
    assert system.free_address(network, taken) == IPv4Address("10.143.0.5")
    with pytest.raises(HarnessError, match="no free address"):
        system.free_address(network, {IPv4Address(f"10.143.0.{number}") for number in range(8)})


def test_files_are_laid_down_with_owner_and_mode() -> None:
    data = system.archive([File("/a/b", None, 0o700, 811), File("/a/b/c", b"text", 0o600, 811)])
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        entries = {entry.name: (entry.isdir(), entry.mode, entry.uid, entry.gid) for entry in tar.getmembers()}
    assert entries == {"a/b": (True, 0o700, 811, 811), "a/b/c": (False, 0o600, 811, 811)}


def test_a_taken_port_is_said_before_anything_is_made(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(UnreachableError, match=f"port {port}") as failed:
            container.require_port(ControlPlaneSettings(port=port))
    assert f'"port": {port + 1}' in str(failed.value.hint)


def test_the_names_in_docker_come_from_the_checkouts_own() -> None:
    place = Place.of(Path("/share"), "gitops")
    assert (place.name, place.volume) == ("gitops-config", "gitops-config-data")


def test_what_is_packed_is_json_that_json_reads(tmp_path: Path) -> None:
    found = {file.path: file.data for file in packed(tmp_path, ON_A_HOST).files(first=True)}
    settings = json.loads(found["/var/lib/gitops/share/config.json"] or b"")
    assert settings["proxmox"]["node"] == ["one", "two"]
    assert settings["proxmox"]["secret"] == "11111111-2222"


class Engine:
    """Answers who owns a volume, and nothing else."""

    def __init__(self, volume_owner: str | None) -> None:
        self._owner = volume_owner

    def volume_owner(self, volume: str) -> str | None:
        assert volume == "gitops-config-data"
        return self._owner


def refuse(tmp_path: Path, owner_of_volume: str | None) -> None:
    place = Place.of(tmp_path, "gitops")
    place.state.mkdir(exist_ok=True)
    container._refuse_strangers(
        cast("system.Systems", Engine(owner_of_volume)), place, None, ownership.Owner.of(place.state)
    )


def test_a_volume_of_our_own_or_none_is_no_stranger(tmp_path: Path) -> None:
    refuse(tmp_path, None)
    refuse(tmp_path, ownership.Owner.of(tmp_path / "control-plane").label)


def test_another_checkouts_control_plane_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    theirs = ownership.Owner.of(tmp_path / "theirs")
    with pytest.raises(UsageError, match="belongs to") as refused:
        refuse(tmp_path, theirs.label)
    assert "embedded.name" in str(refused.value.hint)


def test_what_a_removed_checkout_left_is_not_taken_and_not_deleted_either(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="its data is still there") as refused:
        refuse(tmp_path, "0123456789abcdef /gone")
    assert "docker volume rm gitops-config-data" in str(refused.value.hint)
