"""Privileges and built-in roles of each release (facts from GET /access/roles of PVE 9.2 and the 8.4 documentation)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

_COMMON: Mapping[str, str] = {
    "PVEDatastoreUser": "Datastore.AllocateSpace Datastore.Audit",
    "PVEDatastoreAdmin": "Datastore.Allocate Datastore.AllocateSpace Datastore.AllocateTemplate Datastore.Audit",
    "PVEPoolUser": "Pool.Audit",
    "PVEPoolAdmin": "Pool.Allocate Pool.Audit",
    "PVEMappingUser": "Mapping.Audit Mapping.Use",
    "PVEMappingAdmin": "Mapping.Audit Mapping.Modify Mapping.Use",
    "PVEUserAdmin": "Group.Allocate Realm.AllocateUser User.Modify",
    "PVESDNUser": "SDN.Audit SDN.Use",
    "PVESDNAdmin": "SDN.Allocate SDN.Audit SDN.Use",
    "PVESysAdmin": "Sys.Audit Sys.Console Sys.Syslog",
    "PVETemplateUser": "VM.Audit VM.Clone",
    "NoAccess": "",
}
_VM_USER = "VM.Audit VM.Backup VM.Config.CDROM VM.Config.Cloudinit VM.Console VM.PowerMgmt"
_VM_ADMIN = (
    f"{_VM_USER} VM.Allocate VM.Clone VM.Config.CPU VM.Config.Disk VM.Config.HWType VM.Config.Memory "
    "VM.Config.Network VM.Config.Options VM.Migrate VM.Snapshot VM.Snapshot.Rollback"
)
_AGENT = "VM.GuestAgent.Audit VM.GuestAgent.FileRead VM.GuestAgent.FileSystemMgmt VM.GuestAgent.FileWrite"
_EXTRA_USER = {"9.2": _AGENT, "8.4": ""}
_EXTRA_ADMIN = {"9.2": f"{_AGENT} VM.GuestAgent.Unrestricted VM.Replicate", "8.4": "VM.Monitor"}
_AUDIT = "Datastore.Audit Mapping.Audit Pool.Audit SDN.Audit Sys.Audit VM.Audit"
_EXTRA_AUDIT = {"9.2": "VM.GuestAgent.Audit", "8.4": ""}
_ROOT_ONLY = "Permissions.Modify Realm.Allocate Sys.AccessNetwork Sys.Incoming Sys.Modify Sys.PowerMgmt"
_ADMIN_PARTS = ("PVEDatastoreAdmin", "PVEPoolAdmin", "PVEMappingUser", "PVEUserAdmin", "PVESDNAdmin", "PVESysAdmin")


@lru_cache(maxsize=2)
def built_in(release: str) -> Mapping[str, frozenset[str]]:
    """The built-in roles of a release and their privileges."""
    roles = {name: frozenset(privileges.split()) for name, privileges in _COMMON.items()}
    roles["PVEVMUser"] = frozenset(f"{_VM_USER} {_EXTRA_USER[release]}".split())
    roles["PVEVMAdmin"] = frozenset(f"{_VM_ADMIN} {_EXTRA_ADMIN[release]}".split())
    roles["PVEAuditor"] = frozenset(f"{_AUDIT} {_EXTRA_AUDIT[release]}".split())
    roles["PVEAdmin"] = roles["PVEVMAdmin"].union(*(roles[part] for part in _ADMIN_PARTS))
    roles["Administrator"] = roles["PVEAdmin"] | frozenset(_ROOT_ONLY.split()) | roles["PVEMappingAdmin"]
    return roles


def all_privileges(release: str) -> frozenset[str]:
    """Every privilege that exists."""
    return built_in(release)["Administrator"]
