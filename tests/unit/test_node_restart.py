"""What a node knows after it was stopped or killed."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from harness.embedded.node import fixture
from harness.embedded.node.guest_config import Guest
from harness.embedded.node.memory_runtime import STANDARD, MemoryRuntime
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_create
from harness.embedded.node.runtime import ArchiveError, GuestSpec, Log
from harness.kit import clock

TEMPLATE = f"local:vztmpl/{STANDARD[0].name}"


def create(node: Node, vmid: int, **params: str) -> str:
    given = {"vmid": str(vmid), "ostemplate": TEMPLATE, "rootfs": "local-lvm:1", "features": "nesting=1", **params}
    upid = guest_create.create(node, guest_create.request("root@pam", given))
    assert node.tasks.wait(upid, 5)
    return str(node.tasks.status(upid)["exitstatus"])


def test_containers_pools_and_tickets_survive_a_restart(tmp_path: Path) -> None:
    with fixture.serve(state=tmp_path) as first:
        assert create(first.node, 110, hostname="kept") == "OK"
        ticket = first.node.sealer.ticket("root@pam")
    with fixture.serve(state=tmp_path) as second:
        assert second.node.guests.load(110).config["hostname"] == "kept"
        assert second.node.sealer.ticket_user(ticket) == "root@pam"
        assert second.fingerprint == first.fingerprint


def test_a_container_that_was_being_made_is_gone_after_a_restart(tmp_path: Path) -> None:
    with fixture.serve(state=tmp_path) as first:
        first.node.guests.reserve(Guest(110, {}), "create")
        first.node.storages.allocate(first.node.storages.need("local-lvm"), 110, 1 << 30)
    with fixture.serve(state=tmp_path) as second:
        assert second.node.guests.find(110) is None
        assert not [volid for volid in second.node.storages.volumes if "vm-110" in volid]


class BrokenRuntime(MemoryRuntime):
    """Unpacks nothing."""

    def create(self, spec: GuestSpec, log: Log) -> None:
        raise ArchiveError("exit code 2")


def test_a_failed_create_leaves_neither_configuration_nor_volume() -> None:
    with fixture.serve(BrokenRuntime()) as served:
        end = create(served.node, 110)
        assert end.startswith("unable to create CT 110 - command 'lxc-usernsexec ")
        assert end.endswith(" failed: exit code 2")
        assert served.node.guests.all() == []
        assert not [volid for volid in served.node.storages.volumes if "disk" in volid]


def test_the_password_is_stored_as_a_hash_only(tmp_path: Path) -> None:
    with fixture.serve(state=tmp_path, password="not-to-be-found"):
        pass
    assert not [file for file in tmp_path.iterdir() if b"not-to-be-found" in file.read_bytes()]


def test_a_held_lock_is_told_after_its_time() -> None:
    with fixture.serve(options=replace(fixture.QUICK, lock_seconds=0.01)) as served:
        assert create(served.node, 110) == "OK"
        with served.node.guests.locked(110):
            upid = served.node.tasks.start("vzstart", 110, "root@pam", lambda task: _locked(served.node, task.log))
            assert served.node.tasks.wait(upid, 5)
        text = "can't lock file '/run/lock/lxc/pve-config-110.lock' - got timeout"
        assert served.node.tasks.status(upid)["exitstatus"] == text


def _locked(node: Node, log: Log) -> None:
    with node.guests.locked(110, log):
        pass


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    program = [sys.executable, "-m", "harness.embedded.node", "--state", str(tmp_path / "node")]
    return [*program, "--port", "0", "--runtime", "memory", "--listen", "127.0.0.1"]


def test_the_program_says_where_it_is_and_ends_when_asked(command: list[str], tmp_path: Path) -> None:
    state = tmp_path / "node"
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        ready = clock.wait_until((state / "node.json").exists, clock.Deadline(20), "node.json")
        assert ready
        facts = json.loads((state / "node.json").read_text())
        url = f"https://127.0.0.1:{facts['port']}/api2/json/access/domains"
        assert requests.get(url, verify=str(state / "certificate.pem"), timeout=10).status_code == 200
        assert facts["pid"] == process.pid
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(10) == 0
    assert not (state / "node.json").exists()
    assert stat.S_IMODE((state / "password").stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
