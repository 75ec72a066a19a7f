"""A deploy that meets a fault: one clear error, the other container finishes, and the next run mends it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.embedded.node.guest_config import Guest
from tests.e2e.faults_world import ENGINE_GONE, FIRST, SECOND, FaultsWorld, faults_world
from tests.e2e.world import wait_until

REFUSING = "#!/bin/sh\necho 'ssh: connect to host 10.187.50.51 port 22: Connection refused' >&2\nexit 255\n"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FaultsWorld]:
    """Two containers to be made, on a host of the test's own."""
    with faults_world(tmp_path) as found:
        yield found


def alone(world: FaultsWorld) -> None:
    """The second container has come to its end without the first."""
    actions = world.actions()
    assert actions["second"] == "unchanged"
    assert actions["first"] != "unchanged"


def test_a_task_that_fails_shows_its_log(world: FaultsWorld) -> None:
    world.runtime.spoilt = {FIRST: "the archive is damaged"}
    output = world.fails(1, "deploy")
    assert "unpacking had come half way" in output
    assert "unable to create CT 151 - the archive is damaged" in output
    alone(world)
    world.runtime.spoilt = {}
    world.mended()


def test_what_a_killed_task_left_locked_is_refused_with_the_way_to_remove_it(world: FaultsWorld) -> None:
    world.host.node.guests.save(Guest(FIRST, {"lock": "create", "hostname": "first"}))
    assert f"pct unlock {FIRST} && pct destroy {FIRST}" in world.fails(1, "deploy")
    alone(world)
    world.host.node.guests.remove(FIRST)
    world.mended()


def test_a_full_storage_is_named(world: FaultsWorld) -> None:
    world.edit("libs/second/config.env", "local-lvm:2", "local:2")
    world.fault({"action": "storage-full", "storage": "local-lvm"})
    output = world.fails(1, "deploy")
    assert "unable to create CT 151 - " in output
    assert "Insufficient free space" in output
    alone(world)
    world.mended()


def test_a_ticket_that_expires_again_and_again_is_not_noticed(world: FaultsWorld) -> None:
    where = (("POST", "*/lxc"), ("GET", "*/tasks/*/status"), ("POST", "*/status/start"), ("PUT", "*/lxc/*/config"))
    world.fault(*({"action": "expire-tickets", "method": method, "path": path} for method, path in where))
    world.succeed("deploy", "-n0")
    assert [world.struck(number) for number in range(len(where))] == [1, 1, 1, 1]
    world.mended()


def test_a_certificate_that_changes_during_a_run_is_refused_until_it_is_accepted(world: FaultsWorld) -> None:
    before = world.host.fingerprint
    world.fault({"action": "change-certificate", "path": "*/tasks/*", "method": "GET"})
    output = world.fails(3, "deploy")
    changed = world.host.node.fingerprint
    assert changed != before
    assert changed in output, output
    assert "proxmox.fingerprint" in output
    world.fault()
    assert changed in world.fails(3, "deploy")
    world.point(fingerprint=changed)
    world.mended()


def test_a_wrong_password_is_mended_by_the_right_one(world: FaultsWorld) -> None:
    world.point(password="not-the-password")
    output = world.fails(3, "deploy")
    assert "refuses user root@pam" in output
    assert "not-the-password" not in output
    world.point()
    world.mended()


def test_a_host_that_goes_away_during_a_run_is_said_to_be_out_of_reach(world: FaultsWorld) -> None:
    world.fault({"action": "reset", "path": "*/lxc*", "method": "POST"})
    output = world.fails(3, "deploy")
    assert f"127.0.0.1:{world.host.port}" in output
    world.mended()


def test_an_engine_that_is_gone_fails_each_task_and_is_quoted(world: FaultsWorld) -> None:
    world.runtime.engine_gone = True
    assert ENGINE_GONE in world.fails(1, "deploy")
    world.runtime.engine_gone = False
    world.mended()


def test_an_engine_that_goes_during_a_run_leaves_the_finished_and_what_is_begun_anew(world: FaultsWorld) -> None:
    world.edit("libs/second/config.env", "BOOT=yes", "BOOT=yes\nNEEDS=first")
    world.runtime.engine_goes_at = SECOND
    assert ENGINE_GONE in world.fails(1, "deploy")
    assert world.actions()["first"] == "unchanged"
    world.runtime.engine_goes_at, world.runtime.engine_gone = None, False
    world.mended()
    assert sorted(world.runtime.made) == [FIRST, SECOND]


def test_containers_that_did_not_start_are_started_and_not_made_again(world: FaultsWorld) -> None:
    world.fault({"action": "fail-task", "task": "vzstart", "text": ENGINE_GONE})
    assert ENGINE_GONE in world.fails(1, "deploy")
    world.mended()
    assert sorted(world.runtime.made) == [FIRST, SECOND]


def test_a_task_without_end_is_left_running_and_found_again(world: FaultsWorld) -> None:
    world.runtime.held = {FIRST}
    world.direct(hasty="yes")
    output = world.fails(1, "deploy")
    assert "vzcreate" in output
    alone(world)
    world.direct()
    world.fault({"action": "slow", "path": "*/tasks/*vzcreate*/status", "seconds": 0})
    again = world.start("deploy")
    world.wait_struck()
    world.runtime.let_go.set()
    output, _ = again.communicate(timeout=120)
    assert again.returncode == 0, output
    assert world.runtime.made.count(FIRST) == 1
    assert world.actions()["first"] == "unchanged"


def test_ctrl_c_while_pve_works_ends_with_130_and_the_work_is_found_again(world: FaultsWorld) -> None:
    world.runtime.held = {FIRST}
    process = world.start("deploy")
    wait_until(world.runtime.begun.is_set, 60, "the task")
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=90)
    assert process.returncode == 130, output
    assert "Traceback" not in output, output
    world.runtime.let_go.set()
    world.mended()
    assert world.runtime.made.count(FIRST) == 1


def test_ssh_that_never_comes_up_is_given_up_with_its_last_word(world: FaultsWorld, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "ssh").write_text(REFUSING)
    (programs / "ssh").chmod(0o755)
    world.direct(mute=str(FIRST), hasty="yes")
    output = world.fails(3, "deploy", path=str(programs))
    assert "Connection refused" in output
    alone(world)
    world.mended()


def test_a_disk_that_is_full_here_is_said_in_one_line(world: FaultsWorld) -> None:
    world.direct(full="yes")
    output = world.fails(1, "deploy")
    assert "No space left on device" in output
    assert output.count("journal.jsonl: No space left on device\n→ make room") == 2  # once for each container
    assert world.runtime.made == []
    world.mended()
