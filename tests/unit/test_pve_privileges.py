"""What credentials may do, from what PVE says of them."""

from __future__ import annotations

from typing import Any, cast

import pytest

from harness.inventory.model import BindMount, Container, DeviceMount, Disk, ShareMount, VolumeMount
from harness.kit.secret import Secret
from harness.pve import privileges
from harness.pve.auth import Credentials
from harness.pve.client import Pve
from harness.pve.errors import PermissionDenied
from harness.pve.privileges import Privileges
from tests import samples

# As PVE 9.2 answers GET /access/permissions for a token with PVEVMAdmin on /vms, PVEDatastoreAdmin on /storage/local
# and PVESDNUser on /sdn/zones/localnetwork.
GUEST = (
    "Allocate",
    "Audit",
    "PowerMgmt",
    *(f"Config.{part}" for part in ("CPU", "Disk", "Memory", "Network", "Options")),
)
CI = {
    "/vms": {f"VM.{name}": 1 for name in GUEST},
    "/storage/local": {"Datastore.AllocateSpace": 1, "Datastore.AllocateTemplate": 1, "Datastore.Audit": 1},
    "/sdn/zones/localnetwork": {"SDN.Use": 1, "SDN.Audit": 1},
}
TOKEN = Privileges("root@pam!ci", False, CI)
ROOT = Privileges("root@pam", True, {})


def container(**changes: Any) -> Container:
    return samples.container(**{"disk": Disk("local", 8), **changes})


def lacking(one: Container, held: Privileges) -> list[str]:
    return [shortfall.what for shortfall in privileges.shortfalls(one, held, "local")]


def test_a_token_with_the_right_roles_may_make_a_plain_container() -> None:
    assert lacking(container(), TOKEN) == []


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"mounts": (BindMount("/srv", "/srv"),)}, "bind mount /srv:/srv: root@pam only"),
        ({"mounts": (DeviceMount("/dev/ttyUSB0"),)}, "device /dev/ttyUSB0: root@pam only"),
        ({"mounts": (ShareMount("share"),)}, "share share (feature mount=cifs): root@pam only"),
        ({"features": (("nesting", "1"), ("keyctl", "1"))}, "feature keyctl=1: root@pam only"),
    ],
    ids=["bind", "device", "share", "feature"],
)
def test_what_pve_keeps_for_root_is_refused_to_a_token_and_open_to_the_ticket(
    changes: dict[str, Any], what: str
) -> None:
    assert lacking(container(**changes), TOKEN) == [what]
    assert lacking(container(**changes), Privileges("root@pam!full", False, {"/": {**CI["/vms"]}}))[0] == what
    assert lacking(container(**changes), ROOT) == []


def test_the_remedy_names_the_root_password() -> None:
    [shortfall] = privileges.shortfalls(container(mounts=(BindMount("/a", "/b"),)), TOKEN, "local")
    assert "password of root@pam in local/config.json" in shortfall.remedy


def test_a_privileged_container_takes_root_for_any_feature_and_sys_modify() -> None:
    found = lacking(container(unprivileged=False), TOKEN)
    assert found == [
        "feature of a privileged container nesting=1: root@pam only",
        "root@pam!ci lacks Sys.Modify on /",
    ]


def test_another_storage_takes_a_permission_of_its_own() -> None:
    assert lacking(container(disk=Disk("local-lvm", 8)), TOKEN) == [
        "root@pam!ci lacks Datastore.AllocateSpace on /storage/local-lvm"
    ]
    assert "lacks Datastore.AllocateSpace on /storage/tank" in lacking(
        container(mounts=(VolumeMount("tank", 4, "/data"),)), TOKEN
    )[0].replace("root@pam!ci ", "")


def test_a_token_without_any_permission_lacks_everything() -> None:
    held = Privileges("root@pam!noacl", False, {})
    assert held.empty
    assert len(lacking(container(), held)) == 11


def test_a_permission_that_is_not_passed_down_does_not_count_below() -> None:
    held = Privileges("alice@pve", False, {"/vms": {"VM.Audit": 0}, "/vms/100": {"VM.Audit": 0}})
    assert held.allows("/vms/100", "VM.Audit")
    assert not held.allows("/vms/101", "VM.Audit")


def test_the_nearest_path_decides() -> None:
    held = Privileges("alice@pve", False, {"/": {"VM.Audit": 1}, "/vms": {"VM.Allocate": 1}})
    assert not held.allows("/vms/100", "VM.Audit")
    assert held.allows("/storage/local", "VM.Audit")


class Door:
    def __init__(self, credentials: Credentials, answer: Any) -> None:
        self.credentials = credentials
        self.answer = answer
        self.calls = 0

    def get(self, path: str, **params: Any) -> Any:
        self.calls += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_the_root_ticket_is_not_asked_about() -> None:
    door = Door(Credentials("root@pam", Secret("x")), {})
    assert privileges.read(cast("Pve", door)) == ROOT
    assert door.calls == 0


def test_a_token_is_asked_about_once() -> None:
    door = Door(Credentials("root@pam", None, "ci", Secret("x")), CI)
    assert privileges.read(cast("Pve", door)) == TOKEN
    assert door.calls == 1


def test_permissions_that_may_not_be_asked_for_count_as_none() -> None:
    door = Door(Credentials("alice@pve", Secret("x")), PermissionDenied("GET access/permissions", 403, "no"))
    assert privileges.read(cast("Pve", door)).empty
