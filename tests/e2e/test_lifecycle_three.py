"""The three libraries as a newcomer meets them: from nothing to verified, then changed, broken and mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.world import World

BROKER, APACHE = 111, 113


@pytest.fixture(scope="module")
def world(make_world) -> World:
    """broker, proxy and apache, deployed."""
    world = make_world("three", 10, ("broker", "proxy", "apache"))
    output = world.succeed("deploy")
    for name, number in (("broker", 11), ("proxy", 12), ("apache", 13)):
        assert name in output
        assert f"{world.prefix}.{number}" in output
    return world


@pytest.fixture
def no_ssh(tmp_path: Path) -> Path:
    """A directory for PATH whose ssh notes that it was called, and fails."""
    called = tmp_path / "called"
    for name in ("ssh", "scp", "sftp"):
        script = tmp_path / "bin" / name
        script.parent.mkdir(exist_ok=True)
        script.write_text(f'#!/bin/sh\necho "$0 $*" >> {called}\nexit 255\n')
        script.chmod(0o755)
    return tmp_path / "bin"


def test_every_item_passed_and_the_release_came_last(world: World) -> None:
    ends = [event for event in world.events() if event["event"] == "end"]
    assert {event["outcome"] for event in ends} == {"passed"}
    for name in ("broker", "proxy", "apache"):
        items = [event["item"] for event in ends if event["container"] == name]
        assert items[:4] == ["provision", "base", "converge", "idempotence"]
        assert items.index("release") > max(place for place, item in enumerate(items) if "::" in item)


def test_a_container_waits_for_what_it_needs(world: World) -> None:
    events = [(event["container"], event["item"], event["event"]) for event in world.events()]
    assert events.index(("proxy", "provision", "start")) > events.index(("apache", "release", "end"))


def test_deploying_again_changes_nothing_and_opens_no_ssh(world: World, no_ssh: Path) -> None:
    runs = sorted((world.root / "local/share/embedded/runs").glob("*"))
    assert "nothing to do" in world.succeed("deploy", path=str(no_ssh))
    assert not (no_ssh.parent / "called").exists()
    assert sorted((world.root / "local/share/embedded/runs").glob("*")) == runs
    assert set(world.actions().values()) == {"unchanged"}


def test_no_container_is_privileged(world: World) -> None:
    assert [one.name for one in world.containers() if one.attrs["HostConfig"]["Privileged"]] == []
    assert len(world.containers()) == 3


def test_verify_is_red_while_the_broker_is_broken(world: World) -> None:
    world.succeed("verify", "broker")
    world.shell(BROKER, "systemctl stop mosquitto broker 2>/dev/null; systemctl is-active mosquitto")
    code, output = world.run("verify", "broker")
    assert code == 1
    assert "broker" in output
    world.shell(BROKER, "systemctl start mosquitto 2>/dev/null || systemctl start broker")
    world.succeed("verify", "broker")


def test_a_changed_field_is_changed_in_place(world: World) -> None:
    started = world.shell(APACHE, "stat -c %Y /proc/1")
    world.edit("libs/apache/config.env", "MEMORY=512", "MEMORY=640")
    assert world.actions() == {"broker": "unchanged", "proxy": "unchanged", "apache": "change in place"}
    assert "memory: 512 → 640" in world.run("plan")[1]
    world.succeed("deploy")
    assert world.shell(APACHE, "stat -c %Y /proc/1") == started
    assert world.container(APACHE).attrs["HostConfig"]["Memory"] == 640 * 1024**2
    assert set(world.actions().values()) == {"unchanged"}


def test_an_edited_recipe_converges_only_that_container(world: World) -> None:
    world.edit("libs/apache/recipes/default.rb", "# provided by convention", "# as everywhere")
    assert world.actions() == {"broker": "unchanged", "proxy": "unchanged", "apache": "converge only"}


def test_a_failed_spec_stamps_nothing_and_the_next_run_mends_it(world: World) -> None:
    spec = world.root / "libs/apache/specs/test_more.py"
    spec.write_text(
        "def test_greets(host):\n    assert 'Salut' in host.file('/var/www/html/index.html').content_string\n"
    )
    code, output = world.run("deploy")
    assert code == 1
    assert "test_greets" in output
    assert world.actions()["apache"] != "unchanged"
    spec.write_text(
        "def test_greets(host):\n    assert 'Hello' in host.file('/var/www/html/index.html').content_string\n"
    )
    world.succeed("deploy")
    assert world.actions()["apache"] == "unchanged"


def test_an_edited_spec_is_verified_without_converging(world: World) -> None:
    spec = world.root / "libs/apache/specs/test_more.py"
    spec.write_text(spec.read_text() + "\n# a remark\n")
    assert world.actions()["apache"] == "verify only"
    world.succeed("deploy")
    assert {event["item"] for event in world.events()} & {"provision", "base", "converge", "idempotence"} == set()


def test_the_password_is_in_no_journal_report_or_plan(world: World) -> None:
    share = world.root / "local/share/embedded"
    password = (share / "login.json").read_text().split('"password": "')[1].split('"')[0]
    leaks = [
        path for path in share.glob("runs/**/*") if path.is_file() and password in path.read_text(errors="replace")
    ]
    assert leaks == []


def test_state_is_private(world: World) -> None:
    share = world.root / "local/share/embedded"
    assert share.stat().st_mode & 0o777 == 0o700
    open_keys = [path for path in (share / "keys").iterdir() if path.suffix != ".pub" and path.stat().st_mode & 0o077]
    assert open_keys == []


def test_down_asks_and_without_an_answer_deletes_nothing(world: World) -> None:
    code, output = world.run("down")
    assert code == 2
    assert "--yes" in output
    assert len(world.containers()) == 3
