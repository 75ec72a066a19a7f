"""Carrying a plan out: what is sent to PVE, in what order, and what is never touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Interface
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.config.share import Share
from harness.inventory.model import BindMount, Container, Disk, Inventory
from harness.lifecycle import provisioning, stamp
from harness.lifecycle.context import StageContext
from harness.lifecycle.errors import NotOursError, StaleError
from harness.lifecycle.plan import Action, ContainerPlan, Effect, FieldChange, Plan
from harness.lifecycle.revision import PARTS, Revision
from harness.lifecycle.stages import LifecycleStages
from harness.lifecycle.stamp import Stamp
from harness.lifecycle.workspace import Workspace
from harness.pve import values
from harness.pve.errors import PveError
from harness.remote import keys
from harness.remote.errors import LoginRefused
from tests import samples

OURS = samples.MONOREPO
TEMPLATE = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"
REVISION = Revision.of(dict.fromkeys(PARTS, "now"))
APACHE = samples.container(tags=("Web",))
NET = "name=eth0,bridge=vmbr0,firewall=1,gw=10.143.0.1,hwaddr=BC:24:11:2C:BE:D6,ip=10.143.0.13/24,type=veth"


@dataclass
class Guest:
    config: dict[str, Any]
    running: bool = True
    pending: dict[str, Any] = field(default_factory=dict)


class Node:
    """A PVE with one node: containers, a digest that changes with every write, tasks that end at once."""

    def __init__(self) -> None:
        self.clock = samples.FakeClock()
        self.guests: dict[int, Guest] = {}
        self.writes: list[tuple[str, str, dict[str, Any]]] = []
        self.active: list[str] = []
        self.when_task_ends: Callable[[], None] = lambda: None
        self.stays_pending: set[str] = set()
        self.count = 0

    def get(self, path: str, **params: Any) -> Any:
        what = path.removeprefix("nodes/pve/").split("/")
        if path == "cluster/resources":
            return [{"vmid": vmid, "node": "pve"} for vmid in self.guests]
        if what[0] == "tasks":
            return self._task(what, params)
        if what[0] != "lxc":
            return self._about_the_node(what)
        guest = self.guests.get(int(what[1]))
        if guest is None:
            raise PveError(f"GET {path}", 500, f"Configuration file 'nodes/pve/lxc/{what[1]}.conf' does not exist")
        if what[2:] == ["status", "current"]:
            return {"status": "running" if guest.running else "stopped"}
        return {**guest.config, **({} if params.get("current") else guest.pending)}

    def _about_the_node(self, what: list[str]) -> Any:
        answers: dict[str, Any] = {
            "status": {"current-kernel": {"machine": "x86_64"}},
            "storage/local/content": [{"volid": TEMPLATE}],
        }
        return answers["/".join(what)]

    def _task(self, what: list[str], params: Mapping[str, Any]) -> Any:
        if len(what) == 1:
            ids, self.active = self.active, []
            return [{"upid": upid, "id": str(params["vmid"])} for upid in ids]
        if what[2] == "status":
            self.when_task_ends()
            return {"status": "stopped", "exitstatus": "OK"}
        return []

    def post(self, path: str, **params: Any) -> str:
        self.writes.append(("POST", path, params))
        what = path.removeprefix("nodes/pve/").split("/")
        if what == ["lxc"]:
            self.add(int(params["vmid"]), running=False, **params)
        else:
            self.guests[int(what[1])].running = what[3] == "start"
            if what[3] == "start":
                guest = self.guests[int(what[1])]
                guest.config |= guest.pending
                guest.pending = {}
        return self._upid(path)

    def put(self, path: str, **params: Any) -> str | None:
        self.writes.append(("PUT", path, params))
        guest = self.guests[int(path.split("/")[3])]
        if path.endswith("/resize"):
            return self._upid(path)
        if params["digest"] != guest.config["digest"]:
            raise PveError(
                f"PUT {path}", 500, "detected modified configuration - file changed by other user? Try again."
            )
        for key in filter(None, str(params.get("delete", "")).split(",")):
            guest.config.pop(key)
        written = {key: value for key, value in params.items() if key not in ("digest", "delete")}
        later = {key: value for key, value in written.items() if key in self.stays_pending and guest.running}
        guest.pending |= later
        guest.config |= {key: value for key, value in written.items() if key not in later}
        self._touch(guest)
        return None

    def delete(self, path: str, **params: Any) -> str:
        self.writes.append(("DELETE", path, params))
        guest = self.guests[int(path.split("/")[3])]
        assert not guest.running
        del self.guests[int(path.split("/")[3])]
        return self._upid(path)

    def add(self, number: int, *, running: bool = True, **config: Any) -> Guest:
        description = str(config.get("description", ""))
        self.guests[number] = guest = Guest({**config, "description": f"{description}\n"}, running)
        self._touch(guest)
        return guest

    def _touch(self, guest: Guest) -> None:
        self.count += 1
        guest.config["digest"] = f"digest-{self.count}"

    def _upid(self, path: str) -> str:
        return f"UPID:pve:1:2:3:{path.rpartition('/')[2]}:113:root@pam:"

    @property
    def calls(self) -> list[str]:
        return [f"{method} {path.removeprefix('nodes/pve/')}" for method, path, _ in self.writes]


class Pool:
    """Connections that are only noted."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []
        self.dropped: list[int] = []
        self.refused: set[str] = set()

    def get(self, vmid: int, address: str, user: str, *, deadline: Any, first_contact: bool = False) -> Any:
        self.asked.append((f"{user}@{address}", first_contact))
        if user in self.refused:
            raise LoginRefused(f"{user}@{address}: Permission denied (publickey)")
        return SimpleNamespace(user=user)

    def drop(self, vmid: int) -> None:
        self.dropped.append(vmid)


@dataclass
class World:
    """A node, the connections to what stands on it, and the share directory of a run."""

    node: Node
    pool: Pool
    share: Share
    commit: str = "1a2b3c4d5e6f"

    def context(self, action: Action, container: Container = APACHE, **plan: Any) -> StageContext:
        return StageContext(container, self.entry(action, container, **plan), self.workspace(container))

    def entry(self, action: Action, container: Container = APACHE, **plan: Any) -> ContainerPlan:
        seen = self.node.guests.get(container.vmid)
        given = {"digest": seen.config["digest"] if seen else None, "revision": REVISION.value, **plan}
        address = str(container.address)
        return ContainerPlan(container.name, container.vmid, "pve", container.hostname, address, action, "", **given)

    def workspace(self, container: Container = APACHE) -> Workspace:
        settings = SimpleNamespace(proxmox=SimpleNamespace(storage="local"), cinc_mirror=None)
        revisions = SimpleNamespace(of=lambda _container: REVISION)
        found = SimpleNamespace(
            pve=self.node,
            share=self.share,
            connections=self.pool,
            monorepo=OURS,
            commit=self.commit,
            settings=settings,
            revisions=revisions,
            inventory=Inventory((container,)),
        )
        return cast("Workspace", found)

    def standing(self, *, revision: Revision | None = REVISION, vmid: int = 113, **config: Any) -> Guest:
        """An apache of ours as PVE would have it."""
        proven = Stamp(OURS, "apache", None, revision.value, revision.parts) if revision else Stamp(OURS, "apache")
        written = {
            "hostname": "apache",
            "cores": 1,
            "memory": 512,
            "swap": 512,
            "onboot": 1,
            "net0": NET,
            "features": "nesting=1",
            "rootfs": "local-lvm:vm-113-disk-0,size=8G",
            "tags": "gitops;web",
            "unprivileged": 1,
            "description": stamp.render(proven, "# Notes of a person"),
        }
        return self.node.add(vmid, **{**written, **config})


@pytest.fixture
def world(tmp_path: Path) -> World:
    share = Share(tmp_path / "share")
    (share.keys / "113").write_text("private")
    (share.keys / "113.pub").write_text("ssh-ed25519 AAAA gitops-113\n")
    return World(Node(), Pool(), share)


def test_a_new_container_is_made_with_key_and_stamp_in_one_call(world: World) -> None:
    evidence = provisioning.provision(world.context(Action.CREATE))
    assert evidence.changed == ("created", "started")
    assert world.node.calls == ["POST lxc", "POST lxc/113/status/start"]
    sent = world.node.writes[0][2]
    assert stamp.parse(sent["description"]) == Stamp(OURS, "apache", commit="1a2b3c4d5e6f")
    assert sent["ssh-public-keys"] == "ssh-ed25519 AAAA gitops-113"
    assert (sent["rootfs"], sent["ostemplate"], sent["tags"]) == ("local-lvm:8", TEMPLATE, "gitops;web")
    assert "nameserver" not in sent
    assert world.pool.asked == [("root@10.143.0.13", True)]


def test_mounts_are_numbered_as_they_stand(world: World) -> None:
    container = replace(APACHE, mounts=(BindMount("/a", "/x"), BindMount("/b", "/y")))
    provisioning.provision(world.context(Action.CREATE, container))
    assert [world.node.writes[0][2][key] for key in ("mp0", "mp1")] == ["/a,mp=/x", "/b,mp=/y"]


def test_the_host_key_of_an_earlier_container_at_the_address_is_forgotten(world: World) -> None:
    world.share.known_hosts.write_text("10.143.0.13 ssh-ed25519 OLD\n10.143.0.12 ssh-ed25519 OTHER\n")
    provisioning.provision(world.context(Action.CREATE))
    assert world.share.known_hosts.read_text() == "10.143.0.12 ssh-ed25519 OTHER\n"


def test_a_container_that_an_earlier_run_made_is_not_made_again(world: World) -> None:
    world.standing(revision=None)
    evidence = provisioning.provision(world.context(Action.CREATE, digest=None))
    assert evidence.changed == ()
    assert world.node.calls == []


def test_an_earlier_runs_task_is_waited_for_and_its_container_taken_over(world: World) -> None:
    world.node.active = ["UPID:pve:1:2:3:vzcreate:113:root@pam:"]
    world.node.when_task_ends = lambda: None if world.node.guests else world.standing(revision=None) and None
    evidence = provisioning.provision(world.context(Action.CREATE))
    assert "POST lxc" not in world.node.calls
    assert "an earlier run" in evidence.log


def test_what_appeared_under_the_id_since_the_plan_is_not_touched(world: World) -> None:
    world.node.add(113, hostname="nextcloud", running=False)
    with pytest.raises(NotOursError, match="nextcloud, without a stamp"):
        provisioning.provision(world.context(Action.CREATE, digest=None))
    assert world.node.calls == []
    assert world.pool.asked == []


@pytest.mark.parametrize("action", [Action.CHANGE, Action.RESTART, Action.REPLACE])
def test_another_repositorys_container_is_not_touched(world: World, action: Action) -> None:
    foreign = stamp.render(Stamp("mr-ffffffffffffffff", "apache"))
    world.standing(description=foreign)
    with pytest.raises(NotOursError, match="stamped by repository mr-ffffffffffffffff"):
        provisioning.provision(world.context(action, replace(APACHE, memory=1024)))
    assert world.node.calls == []


def test_a_change_is_one_write_on_what_was_planned_that_also_takes_the_proof_away(world: World) -> None:
    guest = world.standing()
    planned = guest.config["digest"]
    evidence = provisioning.provision(world.context(Action.CHANGE, replace(APACHE, memory=1024)))
    assert evidence.changed == ("memory",)
    [(method, path, sent)] = world.node.writes
    assert (method, path, sent["digest"]) == ("PUT", "nodes/pve/lxc/113/config", planned)
    assert sent.keys() == {"memory", "description", "digest"}
    proven = stamp.parse(guest.config["description"])
    assert proven is not None
    assert proven.revision is None
    assert guest.config["description"].startswith("# Notes of a person")


def test_a_configuration_that_changed_since_the_plan_is_not_overwritten(world: World) -> None:
    guest = world.standing()
    context = world.context(Action.CHANGE, replace(APACHE, memory=1024), digest="digest-of-yesterday")
    with pytest.raises(StaleError, match="changed by somebody else") as caught:
        provisioning.provision(context)
    assert "again" in (caught.value.hint or "")
    assert guest.config["memory"] == 512


def test_a_setting_that_waits_restarts_and_one_that_does_not_does_not(world: World) -> None:
    world.standing()
    world.node.stays_pending = {"features"}
    container = replace(APACHE, features=(("nesting", "1"), ("keyctl", "1")))
    provisioning.provision(world.context(Action.RESTART, container))
    assert world.node.calls == ["PUT lxc/113/config", "POST lxc/113/status/shutdown", "POST lxc/113/status/start"]


def test_removed_settings_are_deleted(world: World) -> None:
    guest = world.standing(nameserver="1.1.1.1", mp3="/srv,mp=/srv")
    evidence = provisioning.provision(world.context(Action.CHANGE))
    assert evidence.changed == ("nameserver", "mp3")
    assert not {"nameserver", "mp3"} & guest.config.keys()


def test_a_disk_is_grown_to_its_size(world: World) -> None:
    world.standing()
    provisioning.provision(world.context(Action.CHANGE, replace(APACHE, disk=Disk("local-lvm", 8.5))))
    assert world.node.writes[-1] == ("PUT", "nodes/pve/lxc/113/resize", {"disk": "rootfs", "size": "8704M"})


def test_a_new_address_keeps_the_card_and_the_host_key(world: World) -> None:
    guest = world.standing()
    world.share.known_hosts.write_text("10.143.0.13 ssh-ed25519 KEY\n")
    container = replace(APACHE, address=IPv4Interface("10.143.0.99/24"))
    provisioning.provision(world.context(Action.CHANGE, container))
    net = values.parse_properties(guest.config["net0"])
    assert (net["ip"], net["hwaddr"], net["firewall"]) == ("10.143.0.99/24", "BC:24:11:2C:BE:D6", "1")
    assert keys.is_known(world.share.known_hosts, "10.143.0.99")
    assert world.pool.asked[-1] == ("config@10.143.0.99", False)
    assert world.pool.dropped == [113]


def test_a_stopped_container_is_started(world: World) -> None:
    world.standing(running=False)
    assert provisioning.provision(world.context(Action.CHANGE)).changed == ("started",)


def test_replacing_deletes_and_makes_anew(world: World) -> None:
    world.standing()
    evidence = provisioning.provision(world.context(Action.REPLACE))
    assert evidence.changed == ("created", "started")
    assert world.node.calls == [
        "PUT lxc/113/config",
        "POST lxc/113/status/shutdown",
        "DELETE lxc/113",
        "POST lxc",
        "POST lxc/113/status/start",
    ]


def test_replacing_what_changed_since_the_plan_deletes_nothing(world: World) -> None:
    world.standing()
    with pytest.raises(StaleError):
        provisioning.provision(world.context(Action.REPLACE, digest="digest-of-yesterday"))
    assert 113 in world.node.guests


def test_a_container_that_gets_another_id_leaves_the_old_one(world: World) -> None:
    world.standing()
    moved = replace(APACHE, vmid=120)
    changes = (FieldChange("vmid", "113", "120", Effect.REPLACE),)
    provisioning.provision(world.context(Action.REPLACE, moved, changes=changes))
    assert set(world.node.guests) == {120}


def test_a_renamed_librarys_container_is_replaced_as_the_plan_said(world: World) -> None:
    world.standing(description=stamp.render(Stamp(OURS, "web")))
    context = world.context(Action.REPLACE)
    with pytest.raises(NotOursError, match="as web"):
        provisioning.provision(context)
    changes = (FieldChange("container", "web", "apache", Effect.REPLACE),)
    provisioning.provision(world.context(Action.REPLACE, changes=changes))
    made = stamp.parse(world.node.guests[113].config["description"])
    assert made is not None
    assert made.container == "apache"


def test_after_the_base_role_root_is_not_asked_for(world: World) -> None:
    world.standing(revision=None)
    provisioning.provision(world.context(Action.CONVERGE))
    assert world.pool.asked == [("config@10.143.0.13", True)]


def test_a_container_killed_before_the_base_role_still_opens_to_root(world: World) -> None:
    world.standing(revision=None)
    world.pool.refused = {"config"}
    evidence = provisioning.provision(world.context(Action.CHANGE))
    assert evidence.facts["login"] == "root"


def test_a_verified_container_never_gets_a_first_contact(world: World) -> None:
    world.standing()
    provisioning.provision(world.context(Action.CONVERGE))
    assert world.pool.asked == [("config@10.143.0.13", False)]


def test_what_is_provisioned_holds_and_what_is_missing_is_named(world: World) -> None:
    assert "nothing stands there" in str(provisioning.holds(world.context(Action.CONVERGE)))
    guest = world.standing()
    assert provisioning.holds(world.context(Action.CONVERGE)) is None
    assert "memory" in str(provisioning.holds(world.context(Action.CHANGE, replace(APACHE, memory=1024))))
    guest.running = False
    assert "not run" in str(provisioning.holds(world.context(Action.CONVERGE)))
    assert world.node.calls == []


def test_destroying_takes_only_our_own(world: World) -> None:
    assert provisioning.destroy(world.context(Action.UNCHANGED)).changed == ()
    world.node.add(113, hostname="nextcloud")
    with pytest.raises(NotOursError):
        provisioning.destroy(world.context(Action.UNCHANGED))
    world.standing()
    assert provisioning.destroy(world.context(Action.UNCHANGED)).changed == ("deleted",)
    assert world.node.guests == {}


def stages(world: World, action: Action = Action.CONVERGE, **plan: Any) -> LifecycleStages:
    entry = world.entry(action, **plan)
    return LifecycleStages(world.workspace(), Plan("embedded", OURS, None, (entry,)))


def test_release_stamps_the_planned_revision_among_what_people_wrote(world: World) -> None:
    guest = world.standing(revision=None)
    evidence = stages(world).release("apache")
    assert evidence.changed == ("stamp",)
    assert stamp.parse(guest.config["description"]) == Stamp(
        OURS, "apache", None, REVISION.value, REVISION.parts, world.commit
    )
    assert guest.config["description"].startswith("# Notes of a person")


def test_releasing_again_writes_nothing(world: World) -> None:
    world.standing(revision=None)
    stages(world).release("apache")
    before = len(world.node.writes)
    assert stages(world).release("apache").changed == ()
    assert len(world.node.writes) == before


def test_nothing_is_released_when_files_changed_since_the_plan(world: World) -> None:
    guest = world.standing(revision=None)
    with pytest.raises(StaleError, match="have changed since the plan"):
        stages(world, revision="another").release("apache")
    assert stamp.parse(guest.config["description"]) == Stamp(OURS, "apache")


def test_work_begins_by_taking_the_proof_away(world: World) -> None:
    guest = world.standing()
    context = world.context(Action.CONVERGE)
    context.begin()
    assert stamp.parse(guest.config["description"]) == Stamp(OURS, "apache", None, None, REVISION.parts, world.commit)
    context.begin()
    assert world.node.calls == ["PUT lxc/113/config"]


def test_converge_holds_only_when_a_run_has_passed_it(world: World) -> None:
    world.standing()
    assert "no run has passed converge" in str(stages(world).holds("apache", "converge"))
