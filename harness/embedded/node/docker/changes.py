"""Changed settings: at once where a running container takes them, at its next start otherwise."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from harness.embedded.engine.options import EngineFacts
from harness.embedded.node.docker import devices, hotplug, interfaces, limits
from harness.embedded.node.docker.holdings import Holdings
from harness.embedded.node.runtime import GuestSpec

_PENDING_PREFIXES = ("mp", "dev")
_PENDING = frozenset({"nameserver", "searchdomain", "features", "unprivileged"})


class Changes:
    """Applies them to the containers of one node."""

    def __init__(self, held: Holdings, facts: EngineFacts) -> None:
        self._held = held
        self._facts = facts

    def update(self, spec: GuestSpec, changed: frozenset[str]) -> frozenset[str]:
        """Apply what changed in the settings; the keys that wait for the next start."""
        present = self._held.containers.get(spec.vmid)
        running = bool(present["State"]["Running"])
        self._check(spec)
        if changed & limits.KEYS:
            self._held.api.update_container(present["Id"], **limits.limits(spec, self._facts))
        if any(key.startswith("net") for key in changed):
            self._reconnect(present, spec)
        if running and "hostname" in changed:
            self._rename_host(spec)
        late = frozenset(key for key in changed if waits(key)) if running else frozenset()
        plugged = self._plug(present, spec, late) if late else frozenset()
        self._held.specs.save(spec)
        return late - plugged

    def _plug(self, present: Mapping[str, Any], spec: GuestSpec, late: frozenset[str]) -> frozenset[str]:
        """Mount what is new into the running container, where that can be; the keys of what was mounted.

        Docker does not know of it: the next start makes the container anew, with the mount.
        """
        known = {mount.key for mount in self._held.specs.load(spec.vmid).mounts}
        new = [mount for mount in spec.mounts if mount.key in late - known]
        pid, container = int(present["State"]["Pid"]), str(present["Id"])
        plugged = set[str]()
        for mount in new:
            source = self._held.volumes.place(spec.vmid, mount)
            if hotplug.is_possible(pid, container, source) and hotplug.plug(
                pid, source, mount.target, read_only=mount.read_only
            ):
                plugged.add(mount.key)
        return frozenset(plugged)

    def _reconnect(self, present: Mapping[str, Any], spec: GuestSpec) -> None:
        running = present["State"]["Running"]

        def release(address: str) -> None:
            self._held.commands.run(spec.vmid, interfaces.removal(address))

        self._held.bridges.reconnect(present["Id"], spec.nets, _silent, release if running else None)
        self._held.bridges.tidy()
        if running:
            self._held.commands.name_interfaces(spec.vmid, spec.nets)

    def _check(self, spec: GuestSpec) -> None:
        """Raise for a device or bind mount that a later start would fail on."""
        devices.mappings(spec.devices)
        for mount in spec.mounts:
            if mount.kind == "bind":
                self._held.volumes.bind_source(mount)

    def _rename_host(self, spec: GuestSpec) -> None:
        script = 'hostname "$1" && printf "%s\\n" "$1" > /etc/hostname'
        self._held.commands.run(spec.vmid, ["sh", "-c", script, "sh", spec.hostname])

    def delete_volume(self, vmid: int, source: str) -> None:
        """Remove a volume that no configuration names any more; an unknown one is no error."""
        if self._held.volumes.exists(vmid, source):
            self._let_go(vmid, source)
            self._held.volumes.delete(vmid, source)

    def _let_go(self, vmid: int, source: str) -> None:
        """Make a stopped container anew that still has a volume; a running one keeps it, and the engine says so."""
        present = self._held.containers.find(vmid)
        name = self._held.names.volume(source)
        if present is None or present["State"]["Running"] or name not in _volume_names(present):
            return
        spec = self._held.specs.load(vmid)
        kept = tuple(mount for mount in spec.mounts if self._held.names.volume(mount.source) != name)
        spec = dataclasses.replace(spec, mounts=kept)
        self._held.containers.recreate(spec, _silent)
        self._held.specs.save(spec)


def _silent(_line: str) -> None:
    """For work that has no task log."""


def _volume_names(present: Mapping[str, Any]) -> set[str]:
    return {mount["Name"] for mount in present.get("Mounts") or () if mount.get("Type") == "volume"}


def waits(key: str) -> bool:
    """Whether a changed configuration key takes effect only at the next start of a running container."""
    return key in _PENDING or (key.startswith(_PENDING_PREFIXES) and key[-1].isdigit())
