"""What the planner makes of a container as it shall be and as it stands. Each case is ``cases/plan/<behaviour>.yaml``.

``container`` changes the wanted container, ``seen`` what stands under VMID 113 (null: nothing): by default exactly what
PVE would write back of the unchanged container, stamped with the wanted revision. ``beside`` are more of them by VMID,
``only`` the names planned for. ``expect`` is the plan in lines, ``left`` what it leaves alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.config.origin import Origin
from harness.inventory.model import (
    BindMount,
    DeviceMount,
    Disk,
    Inventory,
    Mount,
    ShareMount,
    VolumeMount,
)
from harness.lifecycle import judge, plan_view, stamp
from harness.lifecycle.judge import Question
from harness.lifecycle.observe import Observation, Seen
from harness.lifecycle.plan import ContainerPlan, LeftAlone
from harness.lifecycle.revision import PARTS, Revision
from harness.lifecycle.stamp import Stamp
from harness.pve.privileges import Privileges
from tests import samples

CASES = sorted((Path(__file__).parent / "cases" / "plan").glob("*.yaml"))
OURS = samples.MONOREPO
REVISION = Revision.of(dict.fromkeys(PARTS, "now"))
APACHE = samples.container()
WRITTEN_BACK = {
    "arch": "amd64",
    "cores": 1,
    "digest": "984c86694e98ec69dfb30ea17009ab70e25d145c",
    "features": "nesting=1",
    "hostname": "apache",
    "memory": 512,
    "net0": "name=eth0,bridge=vmbr0,gw=10.143.0.1,hwaddr=BC:24:11:2C:BE:D6,ip=10.143.0.13/24,type=veth",
    "onboot": 1,
    "ostype": "debian",
    "rootfs": "local-lvm:vm-113-disk-0,size=8G",
    "swap": 512,
    "tags": "gitops",
    "unprivileged": 1,
}
STORAGES = {"local": {"vztmpl", "rootdir"}, "local-lvm": {"rootdir", "images"}, "iso": {"iso"}}
TOKEN = {
    "/vms": {f"VM.{name}": 1 for name in ("Allocate", "Audit", "PowerMgmt")}
    | {f"VM.Config.{name}": 1 for name in ("CPU", "Disk", "Memory", "Network", "Options")},
    "/storage": {"Datastore.AllocateSpace": 1, "Datastore.Audit": 1},
    "/sdn": {"SDN.Use": 1},
}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_comes_out_as_its_file_says(path: Path) -> None:
    case = yaml.safe_load(path.read_text())
    plan = judge.plan_for(question(case))
    assert lines(plan.containers[0]) == case["expect"].splitlines()
    assert [line for left in plan.left for line in left_lines(left)] == case.get("left", "").splitlines()


def question(case: Mapping[str, Any]) -> Question:
    seen = guest(case.get("seen", {}))
    broker = replace(APACHE, name="broker", hostname="broker", vmid=111)
    origins = {key: Origin("config.env", Path("config.env"), 1) for key in case.get("origins", ())}
    wanted = replace(APACHE, **{key: value(key, given) for key, given in case.get("container", {}).items()})
    nodes = case.get("nodes", {"pve": "online"})
    return Question(
        inventory=Inventory((replace(wanted, origins=origins), broker)),
        observation=Observation(
            guests=standing(case, seen),
            nodes=nodes,
            storages={(node, name): frozenset(content) for node in nodes for name, content in STORAGES.items()},
            hidden=case.get("hidden", {}),
        ),
        revisions={"apache": REVISION, "broker": REVISION},
        monorepo=OURS,
        privileges=Privileges("root@pam!ci", False, TOKEN) if case.get("token") else Privileges("root@pam", True, {}),
        target=case.get("target", "embedded"),
        only=frozenset(case["only"]) if "only" in case else None,
        allow_replace=frozenset(case.get("allow_replace", ())),
    )


def standing(case: Mapping[str, Any], seen: Seen | None) -> dict[int, Seen]:
    found = {seen.vmid: seen} if seen else {}
    if seen and "clone" in case:
        found[case["clone"]] = replace(seen, vmid=case["clone"])
    for vmid, given in case.get("beside", {}).items():
        other = guest(given)
        assert other is not None
        found[vmid] = replace(other, vmid=vmid)
    return found


def guest(given: Mapping[str, Any] | None) -> Seen | None:
    if given is None:
        return None
    config = {**WRITTEN_BACK, **given.get("config", {}), "description": f"{description(given)}\n"}
    readable = "unreadable" not in given and given.get("kind", "lxc") == "lxc"
    plain = {
        key: given[key] for key in ("node", "name", "status", "lock", "kind", "creating", "unreadable") if key in given
    }
    defaults = {"vmid": 113, "node": "pve", "kind": "lxc", "name": "apache", "status": "running"}
    return Seen(**{**defaults, **plain}, config=config if readable else None)


def description(given: Mapping[str, Any]) -> str:
    marked = given.get("stamp", {})
    if marked is None:
        return "by hand"
    proven = Stamp(OURS, "apache", None, REVISION.value, REVISION.parts)
    if "parts" in given:
        proven = replace(proven, revision="before", parts={**REVISION.parts, **given["parts"]})
    if given.get("revision", "") is None:
        proven = replace(proven, revision=None)
    return stamp.render(replace(proven, **marked), "# Notes of a person")


def value(key: str, given: Any) -> Any:
    readers: dict[str, Any] = {
        "address": IPv4Interface,
        "disk": lambda text: Disk(text.partition(":")[0], float(text.partition(":")[2])),
        "features": lambda text: tuple(tuple(pair.split("=")) for pair in text.split(",")),
        "mounts": lambda texts: tuple(mount(text) for text in texts),
    }
    return readers[key](given) if key in readers else given


def mount(text: str) -> Mount:
    parts = text.split(":")
    if text.startswith("/dev/"):
        return DeviceMount(text)
    if len(parts) == 1:
        return ShareMount(text)
    return BindMount(*parts) if len(parts) == 2 else VolumeMount(parts[0], float(parts[1]), parts[2])


def left_lines(left: LeftAlone) -> list[str]:
    shown = f"{left.name} {left.vmid}: {left.status} on {left.node} - {left.reason}"
    return [shown, *([f"  > {left.hint}"] if left.hint else [])]


def lines(entry: ContainerPlan) -> list[str]:
    reason = entry.reason.replace(REVISION.short, "REV")
    shown = [f"{entry.name} {entry.vmid}: {entry.action.value} - {reason}"]
    shown += [f"  {plan_view.change_line(change)}" for change in entry.changes]
    return [*shown, *([f"  > {entry.hint}"] if entry.hint else [])]
