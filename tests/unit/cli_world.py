"""A repository of two containers and a control plane over it, none of which is reached."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.config.settings_file import load_settings
from harness.config.share import Share
from harness.controlplane.container import ControlPlane
from harness.forge.model import Pull
from harness.inventory.load import load_inventory
from harness.kit.secret import Secret
from harness.lifecycle.local_plane import LocalPlane
from harness.lifecycle.plan import Action, ContainerPlan, Plan
from harness.lifecycle.seeding.report import Outcome, Seeded, SeededRepository
from harness.lifecycle.workspace import Workspace
from harness.pve.client import Credentials, Endpoint, Pve

URL = "http://localhost:8080"
SIZE = "CORES=1\nMEMORY=512\nSWAP=512\nDISK=local-lvm:8\nBOOT=yes\n"
PULL = Pull(
    1, "Release Pull Request", "", True, False, True, "release", "main", "main/config", "0" * 40, "1" * 40, "", None,
    "gitops", f"{URL}/main/config/pulls/1",
)  # fmt: skip


def lay_out(root: Path) -> None:
    """The files of the repository."""
    files = {
        "config.env": f"IP=10.143.0.10\nID=110\nHOSTNAME=config\n{SIZE}",
        "libs/broker/config.env": f"IP=10.143.0.11\nID=111\nHOSTNAME=broker\n{SIZE}",
        "libs/broker/recipes/default.rb": "package 'mosquitto'\n",
        "libs/broker/metadata.rb": "description 'MQTT for all'\n",
        "libs/broker/specs/test_broker.py": "def test_it(host): ...\n",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def workspace(root: Path, *, host: str | None = None) -> Workspace:
    """Opened on an embedded node, or on ``host``; nobody is asked anything."""
    lay_out(root)
    environ = {"GITOPS_PROXMOX_HOST": host, "GITOPS_PROXMOX_PASSWORD": "of nobody"} if host else {}
    settings = load_settings(root, environ)
    share = Share.for_target(root, settings, {})
    login, password = share.credentials(settings)
    pve = Pve(Endpoint("192.0.2.1", 8006, None), Credentials("root@pam", Secret("of nobody")))
    inventory = load_inventory(root, settings, remembered={})
    return Workspace(root, settings, inventory, share, pve, "mr-0123456789abcdef", None, login, password)


def plan(action: Action) -> Plan:
    """The same for both containers."""
    entries = tuple(
        ContainerPlan(name, vmid, "pve", name, f"10.143.0.{vmid - 100}/24", action, "the reason", revision="aa")
        for name, vmid in (("config", 110), ("broker", 111))
    )
    return Plan("embedded", "mr-0123456789abcdef", None, entries)


def plane(release: Pull | None, request: Pull | None = None) -> LocalPlane:
    """A control plane that has the monorepo; ``release`` waits in it, ``request`` was made where it went on."""
    top = SeededRepository("main/config", Outcome.UNCHANGED, "1" * 40, release=release)
    part = replace(top, slug="main/broker", release=None, request=request)
    seeded = Seeded((top, part), (), "content", 0.1)
    return LocalPlane(ControlPlane(URL, "admin", Secret("of nobody"), "gitops-config"), seeded)
