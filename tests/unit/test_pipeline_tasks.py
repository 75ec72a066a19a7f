"""Tasks by the clock: what they conclude from what PVE and a container say."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.inventory.model import Inventory
from harness.kit.errors import UnreachableError
from harness.lifecycle import stamp
from harness.lifecycle.observe import Observation, Seen
from harness.lifecycle.stamp import Stamp
from harness.lifecycle.workspace import Workspace
from harness.pipeline import archiving, health, inside, merging, updates
from harness.pipeline.health import Health
from tests.unit.test_pipeline_containers import container

OURS = "mr-1"


def seen(monorepo: str = OURS, name: str = "broker", status: str = "running") -> Observation:
    text = stamp.render(Stamp(monorepo, name))
    return Observation({111: Seen(111, "pve", "lxc", name, status, config={"description": text})})


class Connection:
    """Answers every command with one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.commands: list[str] = []

    def run(self, command: str, **_more: Any) -> Any:
        self.commands.append(command)
        return SimpleNamespace(text=self.text, stdout=self.text.encode())


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    found = SimpleNamespace(
        monorepo=OURS,
        inventory=Inventory((container(),)),
        pve=None,
        share=SimpleNamespace(path=tmp_path),
        connections=SimpleNamespace(drop=lambda vmid: None),
    )
    return cast("Workspace", found)


def says(monkeypatch: pytest.MonkeyPatch, observation: Observation, text: str | None) -> Connection:
    connection = Connection(text or "")

    def connect(*_args: object, **_more: object) -> Connection:
        if text is None:
            raise UnreachableError("no answer")
        return connection

    monkeypatch.setattr(health, "observe", lambda pve, inventory: observation)
    monkeypatch.setattr(updates, "observe", lambda pve, inventory: observation)
    monkeypatch.setattr(inside, "connect", connect)
    return connection


@pytest.mark.parametrize(
    ("observation", "text", "state"),
    [
        (Observation(), "", "not deployed"),
        (seen("mr-other"), "", "not ours"),
        (seen(name="proxy"), "", "not ours"),
        (seen(status="stopped"), "", "stopped"),
        (seen(), "loaded\nactive\nrunning\n", "active"),
        (seen(), "loaded\nfailed\ndegraded\n", "failed"),
        (seen(), "not-found\ninactive\nrunning\n", "active"),
        (seen(), "not-found\ninactive\nmaintenance\n", "maintenance"),
        (seen(), None, "unreachable"),
    ],
)
def test_how_a_container_is(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, observation: Observation, text: str | None, state: str
) -> None:
    says(monkeypatch, observation, text)
    (found,) = health.examine(workspace)
    assert found.line == f"[{state}] 111 (192.0.2.11)"
    assert found.fine is (state in ("active", "not deployed"))


def test_a_description_says_it_in_one_line() -> None:
    assert Health(container(), "active").line == "[active] 111 (192.0.2.11)"


def test_only_what_runs_and_is_ours_is_upgraded(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, seen(), "")
    assert [one.name for one in updates.standing(workspace)] == ["broker"]
    for other in (seen("mr-other"), seen(status="stopped"), Observation()):
        says(monkeypatch, other, "")
        assert updates.standing(workspace) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [("0 no\n", "up to date"), ("12 no\n", "12 packages upgraded"), ("3 yes\n", "3 packages upgraded, rebooted")],
)
def test_an_upgrade_says_what_it_did(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    says(monkeypatch, seen(), text)
    rebooted: list[int] = []
    monkeypatch.setattr(updates, "_reboot", lambda workspace, one: rebooted.append(one.vmid))
    monkeypatch.setattr(health, "unit", lambda workspace, one: "active")
    assert updates.update(workspace, container()) == told
    assert rebooted == ([111] if "rebooted" in told else [])


def test_a_service_that_does_not_come_back_is_a_failure(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, seen(), "1 no\n")
    monkeypatch.setattr(health, "unit", lambda workspace, one: "failed")
    with pytest.raises(Exception, match="failed after the upgrade"):
        updates.update(workspace, container())


def test_release_requests_are_merged_the_monorepo_first_then_by_need(monkeypatch: pytest.MonkeyPatch) -> None:
    slugs = ("main/config", "main/proxy", "main/broker", "main/helpers", "main/gone")
    found = [SimpleNamespace(slug=slug, archived=slug == "main/gone") for slug in slugs]
    monkeypatch.setattr(merging.organisations, "repositories", lambda forge, name: found)
    inventory = Inventory((container("broker"), container("proxy"), container("config")))
    forge = cast("Any", None)
    assert merging.ordered(forge, inventory) == ["main/config", "main/broker", "main/proxy", "main/helpers"]
    assert merging.ordered(forge, None) == ["main/config", "main/broker", "main/helpers", "main/proxy"]


def test_the_newest_archive_is_kept_and_the_oldest_go(tmp_path: Path) -> None:
    for number in range(7):
        archiving.keep(tmp_path / "broker", f"broker-2026010{number}T000000Z.tar.gz", b"x")
    names = sorted(path.name for path in (tmp_path / "broker").glob("*"))
    assert (len(names), names[0]) == (5, "broker-20260102T000000Z.tar.gz")
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (tmp_path / "broker").iterdir())


def test_a_recipe_that_leaves_no_archive_is_a_failure() -> None:
    with pytest.raises(Exception, match="left no archive"):
        archiving.newest(cast("Any", Connection("other.txt\n")), "broker")
    connection = Connection("broker-20260101T000000Z.tar.gz\nbroker-20260102T000000Z.tar.gz\n")
    name, _ = archiving.newest(cast("Any", connection), "broker")
    assert name == "broker-20260102T000000Z.tar.gz"
