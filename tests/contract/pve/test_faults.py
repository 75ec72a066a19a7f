"""One test for each fault: the lifecycle ends with one clear error, and the next run goes through.

What is played is the stage *provision*, on an embedded node without containers; only ssh is left out.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Interface
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.config.share import Share
from harness.embedded.node import fixture
from harness.embedded.node.faults import ACTIONS
from harness.embedded.node.runtime import Bridge
from harness.inventory.model import Disk, Inventory
from harness.kit.errors import HarnessError, UnreachableError
from harness.lifecycle import provisioning
from harness.lifecycle.context import StageContext
from harness.lifecycle.plan import Action, ContainerPlan
from harness.lifecycle.revision import PARTS, Revision
from harness.lifecycle.workspace import Workspace
from harness.pve.client import Credentials, Endpoint, Pve
from harness.pve.errors import CertificateChanged, PermissionDenied, PveError, PveUnreachable, TaskFailed
from tests import samples

VMID = 113
REVISION = Revision.of(dict.fromkeys(PARTS, "now"))
PROBE = samples.container("probe", at="192.0.2.13/24", vmid=VMID, memory=256, swap=0, disk=Disk("local", 1))


class Stage(StageContext):
    """A context whose container answers ssh at once."""

    def early_connection(self) -> Any:
        return SimpleNamespace(user="root")


@dataclasses.dataclass
class World:
    """A node with a fault plan, and one container that is to be there."""

    served: fixture.Served
    share: Share
    clients: list[Pve] = dataclasses.field(default_factory=list)

    def faults(self, *faults: dict[str, Any], seed: int = 0) -> None:
        self.served.node.faults.set({"seed": seed, "fault": list(faults)})

    def pve(self) -> Pve:
        endpoint = Endpoint(self.served.host, self.served.port, self.served.node.fingerprint)
        self.clients.append(Pve(endpoint, Credentials("root@pam", password=self.served.password)))
        return self.clients[-1]

    def provision(self, pve: Pve | None = None) -> tuple[str, ...]:
        """What a run changed."""
        workspace = SimpleNamespace(
            pve=pve or self.pve(),
            share=self.share,
            connections=SimpleNamespace(drop=lambda _vmid: None),
            monorepo=samples.MONOREPO,
            commit="1a2b3c4d5e6f",
            settings=SimpleNamespace(proxmox=SimpleNamespace(storage="local"), cinc_mirror=None),
            revisions=SimpleNamespace(of=lambda _container: REVISION),
            inventory=Inventory((PROBE,)),
        )
        entry = ContainerPlan(
            "probe", VMID, "pve", "probe", str(PROBE.address), Action.CREATE, "", revision=REVISION.value
        )
        return provisioning.provision(Stage(PROBE, entry, cast("Workspace", workspace))).changed

    def fails(self, kind: type[HarnessError], *words: str) -> HarnessError:
        """A run that ends with this error, whose one line says why."""
        with pytest.raises(kind) as caught:
            self.provision()
        line = str(caught.value)
        assert "Traceback" not in line
        assert [word for word in words if word not in line] == []
        return caught.value

    def struck(self) -> None:
        """Every fault of the plan has struck; a privilege that is gone is looked up and not counted."""
        shown = self.served.node.faults.shown()
        assert [f["action"] for f in shown if not f["struck"] and f["action"] != "drop-privilege"] == []

    def mends(self) -> None:
        """Without faults a run brings the container up, one more finds nothing to do, and there is one container."""
        self.struck()
        self.served.node.faults.clear()
        self.provision()
        assert self.provision() == ()
        assert [guest.vmid for guest in self.served.node.guests.all()] == [VMID]
        assert self.served.node.is_running(VMID)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    bridges = (Bridge("vmbr0", IPv4Interface("192.0.2.10/24")),)
    options = dataclasses.replace(fixture.QUICK, bridges=bridges, lock_seconds=0.05)
    with fixture.serve(options=options) as served:
        found = World(served, Share(tmp_path))
        yield found
        for client in found.clients:
            client.close()


def test_without_faults_the_second_run_does_nothing(world: World) -> None:
    assert world.provision() == ("created", "started")
    world.mends()


def test_a_slow_node_is_waited_for(world: World) -> None:
    world.faults({"action": "slow", "path": "/nodes/*/lxc*", "seconds": 0.05})
    assert world.provision() == ("created", "started")
    world.mends()


def test_an_error_answer_is_named_with_its_call(world: World) -> None:
    world.faults({"action": "answer", "method": "POST", "path": "/nodes/pve/lxc", "text": "out of order"})
    world.fails(PveError, "POST nodes/pve/lxc", "out of order")
    world.mends()


@pytest.mark.parametrize("status", [595, 596])
def test_a_node_behind_the_proxy_that_does_not_answer_is_unreachable(world: World, status: int) -> None:
    world.faults(
        {"action": "answer", "method": "POST", "status": status, "path": "/nodes/*", "text": "No route to host"}
    )
    world.fails(PveUnreachable, "No route to host")
    world.mends()


def test_a_creation_whose_answer_was_lost_is_not_made_twice(world: World) -> None:
    world.faults({"action": "lose-reply", "method": "POST", "path": "/nodes/pve/lxc", "count": 1})
    world.fails(UnreachableError)
    world.mends()


def test_a_connection_reset_once_while_reading_is_not_noticed(world: World) -> None:
    world.faults({"action": "reset", "method": "GET", "path": "/nodes/pve/lxc/*", "count": 1, "after": 1})
    assert world.provision() == ("created", "started")
    world.mends()


def test_a_connection_reset_while_writing_is_an_error(world: World) -> None:
    world.faults({"action": "reset", "method": "POST", "path": "/nodes/pve/lxc"})
    world.fails(UnreachableError)
    world.mends()


@pytest.mark.parametrize("kind", ["vzcreate", "vzstart"])
def test_a_task_that_fails_brings_its_own_text(world: World, kind: str) -> None:
    world.faults({"action": "fail-task", "task": kind, "text": "the disk is on fire"})
    world.fails(TaskFailed, "the disk is on fire")
    world.mends()


def test_a_lock_that_somebody_holds_is_named(world: World) -> None:
    world.provision()
    world.served.node.runtime.stop(VMID)
    world.faults({"action": "hold-lock", "vmid": VMID})
    world.fails(TaskFailed, f"pve-config-{VMID}.lock", "timeout")
    world.mends()


def test_a_full_storage_leaves_no_half_container(world: World) -> None:
    world.faults({"action": "storage-full", "storage": "local"})
    world.fails(TaskFailed, "No space left on device")
    assert world.pve().get("nodes/pve/storage/local/status")["avail"] == 0
    assert world.served.node.guests.all() == []
    world.mends()


def test_a_privilege_that_is_gone_is_named(world: World) -> None:
    world.faults({"action": "drop-privilege", "user": "root@pam", "privilege": "VM.PowerMgmt"})
    world.fails(PermissionDenied, "VM.PowerMgmt")
    world.mends()


def test_tickets_that_expire_are_renewed(world: World) -> None:
    world.faults({"action": "expire-tickets", "path": "/nodes/pve/lxc*"})
    assert world.provision() == ("created", "started")
    world.mends()


def test_another_certificate_is_not_trusted(world: World) -> None:
    pve = world.pve()
    assert pve.get("version")
    before = world.served.node.fingerprint
    world.faults({"action": "change-certificate", "path": "/nodes/pve/lxc*"})
    with pytest.raises((CertificateChanged, UnreachableError)):
        world.provision(pve)
    with pytest.raises(CertificateChanged) as caught:
        Pve(Endpoint(world.served.host, world.served.port, before), pve.credentials).get("version")
    assert world.served.node.fingerprint in str(caught.value) + str(caught.value.hint)
    world.mends()


def test_a_node_that_reboots_comes_back_with_what_starts_on_boot(world: World, until: Callable[..., None]) -> None:
    world.provision()
    world.faults({"action": "reboot", "method": "PUT", "seconds": 0.05})
    with pytest.raises(UnreachableError):
        world.pve().put(f"nodes/pve/lxc/{VMID}/config", memory=300)
    until(lambda: world.served.node.is_running(VMID))
    world.mends()


def test_a_reboot_in_a_creation_leaves_nothing_of_it(world: World, until: Callable[..., None]) -> None:
    world.served.node.runtime.seconds = 5.0  # type: ignore[attr-defined]
    world.faults({"action": "reboot", "path": "*/tasks/*", "after": 2, "seconds": 0.05})
    world.fails(TaskFailed, "unexpected status")
    world.served.node.runtime.seconds = 0.0  # type: ignore[attr-defined]
    until(lambda: not world.served.node.guests.all())
    assert {task["status"] for task in world.served.node.tasks.ended()} == {"unexpected status"}
    world.mends()


def test_each_fault_of_the_docs_is_struck_here() -> None:
    docs = Path(__file__).parents[3] / "docs" / "embedded-node.md"
    table = docs.read_text().partition("| action | what happens |")[2].partition("\n\n")[0]
    named = set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE))
    played = set(re.findall(r'"action": "([a-z-]+)"', Path(__file__).read_text()))
    assert named == set(ACTIONS)
    assert named <= played


def test_chance_is_repeatable(world: World) -> None:
    def outcome() -> list[str]:
        world.faults({"action": "answer", "path": "/version", "probability": 0.5}, seed=7)
        pve = world.pve()
        return [_told(lambda: pve.get("version")) for _ in range(12)]

    first = outcome()
    assert first == outcome()
    assert set(first) == {"answered", "failed"}


def _told(call: Callable[[], Any]) -> str:
    try:
        call()
    except PveError:
        return "failed"
    return "answered"


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"fault": [{"action": "explode"}]}, "action must be one of"),
        ({"fault": [{"action": "slow", "second": 1}]}, "there is no key 'second'"),
        ({"fault": [{"action": "slow", "seconds": "1"}]}, "seconds must be a number"),
        ({"faults": []}, "the keys seed and fault"),
    ],
)
def test_a_plan_with_a_slip_is_refused(world: World, plan: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        world.served.node.faults.set(plan)
