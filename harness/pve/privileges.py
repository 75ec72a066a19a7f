"""What the credentials may do, known before anything is tried.

PVE keeps some settings of a container for root@pam itself: bind mounts, devices, features other than nesting, any
feature of a privileged container. An API token never is root@pam, not even root's own without privilege separation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from harness.inventory.model import BindMount, Container, DeviceMount, ShareMount, VolumeMount
from harness.pve.client import Pve
from harness.pve.errors import PveError

_GUEST: Final = (
    "VM.Allocate",
    "VM.Audit",
    "VM.Config.CPU",
    "VM.Config.Disk",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
    "VM.PowerMgmt",
)


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Something the credentials may not do, and what helps."""

    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Privileges:
    """Who we are and what we may do, as PVE answers GET /access/permissions."""

    identity: str
    root_ticket: bool
    paths: Mapping[str, Mapping[str, int]]
    """Access path → privilege → whether it holds below that path too."""

    def allows(self, path: str, privilege: str) -> bool:
        """Whether the privilege holds at ``path``, by itself or from a path above that passes it down."""
        if self.root_ticket:
            return True
        if path in self.paths:
            return privilege in self.paths[path]
        above = next((known for known in _above(path) if known in self.paths), None)
        return above is not None and self.paths[above].get(privilege) == 1

    @property
    def empty(self) -> bool:
        """Whether nothing at all is allowed: lists will be empty and mean nothing."""
        return not self.root_ticket and not any(self.paths.values())


def read(pve: Pve) -> Privileges:
    """The privileges of the credentials in use; one call, none for the root ticket."""
    who = pve.credentials
    if who.is_root_ticket:
        return Privileges(who.identity, True, {})
    try:
        found = pve.get("access/permissions")
    except PveError:
        found = {}
    return Privileges(who.identity, False, found if isinstance(found, dict) else {})


def _above(path: str) -> tuple[str, ...]:
    """The paths above ``path``, nearest first."""
    parts = path.strip("/").split("/")
    return (*("/" + "/".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)), "/")


def shortfalls(container: Container, held: Privileges, template_storage: str) -> tuple[Shortfall, ...]:
    """Everything that keeps these credentials from creating and running ``container``."""
    return (*_root_only(container, held), *_missing(container, held, template_storage))


def _root_only(container: Container, held: Privileges) -> Iterable[Shortfall]:
    if held.root_ticket:
        return
    remedy = f"give the password of root@pam in local/config.json ({held.identity} may not), or leave it out"
    for mount in container.mounts:
        if isinstance(mount, BindMount):
            yield Shortfall(f"bind mount {mount.source}:{mount.target}: root@pam only", remedy)
        elif isinstance(mount, DeviceMount):
            yield Shortfall(f"device {mount.path}: root@pam only", remedy)
        elif isinstance(mount, ShareMount):
            yield Shortfall(f"share {mount.name} (feature mount=cifs): root@pam only", remedy)
    for name, value in container.features:
        if name != "nesting" or not container.unprivileged:
            kind = "feature" if container.unprivileged else "feature of a privileged container"
            yield Shortfall(f"{kind} {name}={value}: root@pam only", remedy)


def _missing(container: Container, held: Privileges, template_storage: str) -> Iterable[Shortfall]:
    for path, *alternatives in _needed(container, template_storage):
        if not any(held.allows(path, privilege) for privilege in alternatives):
            wanted = " or ".join(alternatives)
            yield Shortfall(
                f"{held.identity} lacks {wanted} on {path}",
                f"give it a role with {wanted} on {path} (Datacenter, Permissions), or use root@pam's password",
            )


def _needed(container: Container, template_storage: str) -> Iterable[tuple[str, ...]]:
    """Path and privileges, one of which it takes, of PVE's checks (PVE API schema, permission expressions)."""
    for privilege in _GUEST:
        yield f"/vms/{container.vmid}", privilege
    volumes = [mount.storage for mount in container.mounts if isinstance(mount, VolumeMount)]
    for storage in dict.fromkeys([container.disk.storage, *volumes]):
        yield f"/storage/{storage}", "Datastore.AllocateSpace"
    yield f"/storage/{template_storage}", "Datastore.Audit", "Datastore.AllocateSpace"
    yield f"/sdn/zones/localnetwork/{container.bridge}", "SDN.Use"
    if not container.unprivileged:
        yield "/", "Sys.Modify"
