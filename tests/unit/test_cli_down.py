"""``down``: what goes, in which order, what stays, and that it asks."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.cli import down_command
from harness.cli.down_command import Site
from harness.controlplane.container import Place
from harness.kit.errors import UsageError


@dataclass
class FakeHands:
    """Hands that note what they were told to do."""

    did: list[str] = field(default_factory=list)
    running: bool = True

    def stop_plane(self, place: Place) -> bool:
        self.did.append(f"stop {place.name}")
        return self.running

    def destroy_plane(self, place: Place) -> None:
        self.did.append(f"destroy {place.name}")

    def keep_keys(self, site: Site) -> None:
        self.did.append("keep keys")

    def destroy_node(self, state: Path, *, images: bool) -> None:
        self.did.append("destroy node and images" if images else "destroy node")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A checkout with an embedded node, a control plane, and state of a real host."""
    for name in ("control-plane", "embedded/node", "wheels", "pve.example.org-8006/keys"):
        (tmp_path / name).mkdir(parents=True)
    return Site(tmp_path, ("gitops",))


def test_the_control_plane_leaves_the_bridge_before_the_network_goes(site: Site) -> None:
    hands = FakeHands()
    down_command.take_down(site, hands, everything=False)
    assert hands.did == ["stop gitops-config", "destroy node"]


def test_its_data_and_its_state_stay(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    down_command.take_down(site, FakeHands(), everything=False)
    assert (site.base / "control-plane").is_dir()
    assert "its data stays" in capsys.readouterr().err


def test_all_keeps_the_keys_of_a_real_hosts_containers_before_the_data_goes(site: Site) -> None:
    hands = FakeHands()
    down_command.take_down(site, hands, everything=True)
    assert hands.did == ["keep keys", "destroy gitops-config", "destroy node and images"]
    assert sorted(path.name for path in site.base.iterdir()) == ["pve.example.org-8006"]


def test_a_checkout_that_never_had_a_control_plane_has_none_to_stop(tmp_path: Path) -> None:
    hands = FakeHands()
    down_command.take_down(Site(tmp_path, ("gitops",)), hands, everything=True)
    assert hands.did == ["keep keys", "destroy node and images"]


def test_stopping_what_is_stopped_says_nothing_of_it(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    down_command.take_down(site, FakeHands(running=False), everything=False)
    assert "control plane" not in capsys.readouterr().err


def test_a_control_plane_is_stopped_without_a_question(site: Site) -> None:
    assert down_command.losses([], site, everything=False) == []


def test_containers_and_data_are_asked_for(site: Site) -> None:
    assert down_command.losses(["gitops-111"], site, everything=True) == [
        "the container gitops-111 of the embedded node",
        "the local control plane's repositories, variables and run history",
    ]


@pytest.mark.parametrize(("answer", "meant"), [("y", True), (" YES ", True), ("", False), ("n", False)])
def test_only_a_yes_is_a_yes(answer: str, meant: bool) -> None:
    assert down_command.confirm(["the data"], ask=lambda _: answer) is meant


def test_where_nobody_can_answer_nothing_is_deleted() -> None:
    with pytest.raises(UsageError) as refused:
        down_command.confirm(["the data"])
    assert refused.value.hint == "./run down -- --yes"


def configured(root: Path, text: str) -> None:
    path = root / "local" / "config.json"
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(0o600)


def test_the_names_are_the_configured_and_the_last_started_one(tmp_path: Path) -> None:
    configured(tmp_path, json.dumps({"embedded": {"name": "new"}}))
    node = tmp_path / "local/share/embedded/node"
    node.mkdir(parents=True)
    (node / "launch.json").write_text(json.dumps({"name": "old", "port": 1, "network": "10.143.0.0/24"}))
    assert down_command.survey(tmp_path, {}).instances == ("new", "old")


def test_a_configuration_that_cannot_be_read_does_not_stop_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(tmp_path, "{")
    assert down_command.survey(tmp_path, {}).instances == ("gitops",)
    assert "cannot be read" in capsys.readouterr().err


def test_a_real_host_is_the_target_whose_keys_are_kept(tmp_path: Path) -> None:
    configured(tmp_path, json.dumps({"proxmox": {"host": "pve.example.org", "password": "x"}}))
    assert down_command.survey(tmp_path, {}).host == "pve.example.org-8006"
