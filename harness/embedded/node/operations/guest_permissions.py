"""What a caller who is not root@pam may set in a container's configuration, key by key (pve-container's rules)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from harness.embedded.node import storages
from harness.embedded.node.errors import denied
from harness.embedded.node.grammar import verify
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_disks, guest_spec
from harness.embedded.node.permissions import ROOT

_GROUPS = {
    "VM.Config.CPU": ("cores", "cpuunits", "cpulimit"),
    "VM.Config.Memory": ("memory", "swap"),
    "VM.Config.Network": ("nameserver", "searchdomain", "hostname"),
}
_BY_KEY = {key: privilege for privilege, keys in _GROUPS.items() for key in keys}


class ConfigRules:
    """Checks the settings of one call of one caller."""

    def __init__(self, node: Node, user: str, vmid: int, pool: str | None = None) -> None:
        self._node = node
        self._user = user
        self._vmid = vmid
        self._pool = pool

    def check(
        self, settings: Mapping[str, str | None], removed: Iterable[str] = (), *, old: Mapping[str, str] | None = None
    ) -> None:
        """Raise 403 for the first setting that the caller may not make."""
        if self._user == ROOT:
            return
        for key in removed:
            self._removal(key)
        privileged = (settings.get("unprivileged") or (old or {}).get("unprivileged")) != "1"
        for key, value in settings.items():
            self._setting(key, value or "", old or {}, privileged=privileged)

    def require(self, *privileges: str) -> None:
        """Raise 403 unless the caller has the privileges on the container or its pool."""
        permissions = self._node.permissions
        if self._pool and permissions.allows(self._user, f"/pool/{self._pool}", privileges):
            return
        permissions.require(self._user, f"/vms/{self._vmid}", privileges)

    def _removal(self, key: str) -> None:
        if key == "hookscript":
            raise denied("changing the hookscript is only allowed for root@pam")
        if re.fullmatch(r"dev\d+", key):
            raise denied("configuring device passthrough is only allowed for root@pam")
        if key == "features":
            self.require("VM.Allocate")
        else:
            self.require(self._privilege(key))

    def _privilege(self, key: str) -> str:
        if guest_disks.DISK.fullmatch(key) or re.fullmatch(r"unused\d+", key):
            return "VM.Config.Disk"
        if re.fullmatch(r"net\d+", key):
            return "VM.Config.Network"
        return _BY_KEY.get(key, "VM.Config.Options")

    def _setting(self, key: str, value: str, old: Mapping[str, str], *, privileged: bool) -> None:
        if guest_disks.DISK.fullmatch(key):
            self._disk(key, value)
        elif re.fullmatch(r"net\d+", key):
            self.require("VM.Config.Network")
            self.check_bridge(value)
        elif key == "features":
            self._features(value, old.get("features", ""), privileged=privileged)
        elif key == "hookscript" or re.fullmatch(r"dev\d+", key):
            self._removal(key)
        else:
            self.require(self._privilege(key))

    def _disk(self, key: str, value: str) -> None:
        self.require("VM.Config.Disk")
        if re.fullmatch(r"\d+(?:\.\d+)?", value):
            return
        disk = guest_disks.parse(self._node, key, value)
        if disk.kind != "volume":
            raise denied(f"mount point type {disk.kind} is only allowed for root@pam")
        wanted = storages.new_disk(disk.volume)
        if wanted:
            self._node.permissions.require(self._user, f"/storage/{wanted[0]}", ["Datastore.AllocateSpace"])

    def check_bridge(self, value: str) -> None:
        """Raise 403 unless the caller may use the bridge of a ``netN``."""
        if self._user == ROOT:
            return
        values = verify.parse_property(guest_disks.form_of(self._node, "net0"), value)
        bridge = values.get("bridge")
        if bridge:
            path = f"/sdn/zones/localnetwork/{bridge}"
            if tag := values.get("tag"):
                path += f"/{tag}"
            self._node.permissions.require(self._user, path, ["SDN.Use"])

    def _features(self, value: str, old: str, *, privileged: bool) -> None:
        if privileged:
            raise denied("changing feature flags for privileged container is only allowed for root@pam")
        now, before = guest_spec.features(self._node, value), guest_spec.features(self._node, old)
        changed = {name for name in now.keys() | before.keys() if now.get(name, "0") != before.get(name, "0")}
        if changed - {"nesting"}:
            raise denied("changing feature flags (except nesting) is only allowed for root@pam")
        if changed:
            self.require("VM.Allocate")
