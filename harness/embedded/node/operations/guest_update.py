"""Changing a configuration: settings, removals, reverts.

A stopped container has them at once; a running one has what can be applied hot, and the rest pending.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.embedded.node import storages
from harness.embedded.node.errors import bad_parameters, failure, invalid
from harness.embedded.node.guest_config import Guest
from harness.embedded.node.guests import check_digest, check_lock, check_protection
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_disks, guest_permissions, guest_settings, guest_spec
from harness.kit.errors import HarnessError

READ_ONLY = ("unprivileged",)
REQUIRED = ("rootfs", "memory", "ostype")
_FAST = r"cores|hostname|onboot|startup|description|protection|hookscript|tags|lock"
_HOT_SET = re.compile(rf"{_FAST}|memory|swap|cpulimit|cpuunits|net\d+|mp\d+|dev\d+")
_HOT_REMOVE = re.compile(rf"{_FAST}|swap|cpulimit|cpuunits|net\d|unused\d+")
_ONLY_NEW = re.compile(r"mp\d+|dev\d+")
_NO_RUNTIME = re.compile(r"onboot|startup|description|protection|hookscript|tags|lock|unused\d+")


@dataclass(frozen=True, slots=True)
class Change:
    """One ``PUT config``."""

    user: str
    vmid: int
    settings: Mapping[str, str | None]
    delete: Sequence[str]
    revert: Sequence[str]
    digest: str | None


def apply(node: Node, change: Change) -> None:
    """Check and apply; raises in PVE's order of checks."""
    rules = guest_permissions.ConfigRules(node, change.user, change.vmid)
    rules.check({}, [*change.delete, *change.revert])
    _check_names(node, change)
    present = node.guests.find(change.vmid)
    rules.check(change.settings, old=present.config if present else {})
    with node.guests.locked(change.vmid):
        guest = node.guests.load(change.vmid)
        check_lock(guest)
        check_digest(guest, change.digest)
        Update(node, guest, change).run()


def _check_names(node: Node, change: Change) -> None:
    known = node.schema.endpoints["PUT", "/nodes/{node}/lxc/{vmid}/config"].rules
    known_names = set(known) - {"node", "vmid", "delete", "revert", "digest"}
    for name in change.revert:
        if name not in known_names:
            raise bad_parameters(revert=f"unknown option '{name}'")
        if name in change.settings:
            raise bad_parameters(revert=f"you can't use '-{name}' and '-revert {name}' at the same time")
    for name in change.delete:
        if name not in known_names:
            raise bad_parameters(delete=f"unknown option '{name}'")
        if name in change.settings:
            raise bad_parameters(delete=f"you can't use '-{name}' and -delete {name}' at the same time")
        if name in change.revert:
            raise bad_parameters(delete=f"you can't use '-delete {name}' and '-revert {name}' at the same time")


class Update:
    """The change of one container, under its lock."""

    def __init__(self, node: Node, guest: Guest, change: Change) -> None:
        self._node = node
        self._guest = guest
        self._before = guest
        self._change = change

    def run(self) -> None:
        """First everything becomes pending, then what can be is applied."""
        self._check_removals()
        self._check_settings()
        settings = guest_settings.prepare(self._node, self._change.settings)
        pending = {key: value for key, value in self._guest.pending.items() if key not in self._change.revert}
        removals = (set(self._guest.removals) | set(self._change.delete)) - set(self._change.revert)
        for key, value in settings.items():
            removals.discard(key)
            if value is None:
                removals.add(key)
                pending.pop(key, None)
            else:
                pending[key] = value
        config = self._guest.config
        pending = {key: value for key, value in pending.items() if key not in removals and value != config.get(key)}
        removals &= set(config)
        self._guest = replace(self._guest, pending=pending, removals=frozenset(removals))
        self._apply()

    def _check_removals(self) -> None:
        for key in self._change.delete:
            if key not in self._guest.config and key not in self._guest.pending:
                continue  # PVE warns on its console and goes on
            if key in READ_ONLY:
                raise failure(f"unable to delete read-only option: '{key}'")
            if key in REQUIRED:
                raise failure(f"unable to delete required option '{key}'")
            if guest_disks.DISK.fullmatch(key) or key.startswith("unused"):
                check_protection(self._guest, f"can't remove CT {self._guest.vmid} drive '{key}'")

    def _check_settings(self) -> None:
        for key in self._change.settings:
            if key in READ_ONLY:
                raise failure(f"unable to modify read-only option: '{key}'")
        for key, value in self._change.settings.items():
            if value and guest_disks.DISK.fullmatch(key):
                check_protection(self._guest, f"can't update CT {self._guest.vmid} drive '{key}'")
                self._check_disk(guest_disks.parse(self._node, key, value))

    def _check_disk(self, disk: guest_disks.Disk) -> None:
        if disk.kind != "volume":
            return
        storage = self._node.storages.need(storages.split_volid(disk.volume)[0])
        if "rootdir" not in storage.content:
            raise failure(f"storage '{storage.name}' does not allow content type 'rootdir' (Container)")

    def _apply(self) -> None:
        """Apply what is hot, or everything to a stopped container; what fails stays pending and is told."""
        running = self._node.is_running(self._guest.vmid)
        now = [key for key in sorted(self._guest.removals) if not running or self._removes_hot(key)]
        new = [key for key in sorted(self._guest.pending) if not running or self._sets_hot(key)]
        word = "unable to hotplug {}:" if running else "unable to apply pending change {} :"
        self._before = self._guest
        errors = {key: f"{word.format(key)} {text}\n" for key, text in self._change_each(now, new).items()}
        self._node.guests.save(self._guest)
        done = frozenset(key for key in (*now, *new) if key not in errors and not _NO_RUNTIME.fullmatch(key))
        errors |= {
            key: f"{word.format(key)} {text}\n" for key, text in self._tell_runtime(done, running=running).items()
        }
        if errors:
            raise invalid(errors)

    def apply_all(self) -> dict[str, str]:
        """Apply everything that is pending, before a start; returns what failed, by key."""
        errors = self._change_each(sorted(self._guest.removals), sorted(self._guest.pending))
        self._node.guests.save(self._guest)
        return errors

    def _change_each(self, removed: Sequence[str], changed: Sequence[str]) -> dict[str, str]:
        errors = {}
        for key in removed:
            try:
                self._remove(key)
            except HarnessError as error:
                errors[key] = str(error).strip()
        for key in changed:
            try:
                self._set(key, self._guest.pending[key])
            except HarnessError as error:
                errors[key] = str(error).strip()
        return errors

    def _touched(self, key: str) -> bool:
        return key in self._change.settings or key in self._change.delete

    def _removes_hot(self, key: str) -> bool:
        return self._touched(key) and bool(_HOT_REMOVE.fullmatch(key))

    def _sets_hot(self, key: str) -> bool:
        replaced = bool(_ONLY_NEW.fullmatch(key)) and key in self._guest.config
        return self._touched(key) and bool(_HOT_SET.fullmatch(key)) and not replaced

    def _remove(self, key: str) -> None:
        old = self._guest.config.get(key)
        if old is not None and key.startswith("unused"):
            guest_disks.remove_volume(self._node, old)
        removals = self._guest.removals - {key}
        self._guest = replace(self._guest.with_config(**{key: None}), removals=removals)
        if old is not None and guest_disks.DISK.fullmatch(key):
            self._keep_unused(guest_disks.parse(self._node, key, old))

    def _keep_unused(self, disk: guest_disks.Disk) -> None:
        if disk.kind == "volume" and guest_disks.belongs(disk.volume, self._guest.vmid):
            self._guest = self._guest.with_config(**{guest_disks.spare_key(self._guest.config): disk.volume})

    def _set(self, key: str, value: str) -> None:
        if guest_disks.DISK.fullmatch(key):
            value = self._set_disk(key, value)
        self._drop_pending(key)
        self._guest = self._guest.with_config(**{key: value})

    def _set_disk(self, key: str, value: str) -> str:
        disk = guest_disks.parse(self._node, key, value)
        old = self._guest.config.get(key)
        before = guest_disks.parse(self._node, key, old) if old else None
        if key == "rootfs" and before and before.volume == disk.volume:
            return value
        made = guest_disks.make(self._node, self._guest.vmid, disk, lambda _line: None)
        if before and before.volume != made.volume:
            self._keep_unused(before)
        self._forget_unused(made.volume)
        return guest_disks.render(self._node, made)

    def _forget_unused(self, volume: str) -> None:
        taken = {key: None for key, value in self._guest.config.items() if key.startswith("unused") and value == volume}
        self._guest = self._guest.with_config(**taken)

    def _drop_pending(self, key: str) -> None:
        pending = {name: value for name, value in self._guest.pending.items() if name != key}
        self._guest = replace(self._guest, pending=pending)

    def _tell_runtime(self, changed: frozenset[str], *, running: bool) -> dict[str, str]:
        """Have the runtime apply the changes; what it cannot do now is pending again. Returns its errors by key."""
        if not changed:
            return {}
        spec = guest_spec.build(self._node, self._guest.vmid, self._guest.config)
        try:
            late = self._node.runtime.update(spec, changed)
        except HarnessError as error:
            self._postpone(changed)
            return dict.fromkeys(changed, str(error).strip())
        if late and running:
            self._postpone(late & changed)
        return {}

    def _postpone(self, keys: frozenset[str]) -> None:
        """Let keys have their old values, and the new ones wait for the next start."""
        config, pending, removals = dict(self._guest.config), dict(self._guest.pending), set(self._guest.removals)
        for key in keys:
            new, old = config.pop(key, None), self._before.config.get(key)
            if old is not None:
                config[key] = old
            if new is None:
                removals.add(key)
            else:
                pending[key] = new
        self._guest = replace(self._guest, config=config, pending=pending, removals=frozenset(removals))
        self._node.guests.save(self._guest)


def apply_pending(node: Node, guest: Guest) -> tuple[Guest, dict[str, str]]:
    """Apply everything that waits for a start; returns the guest as it is then, and what failed, by key."""
    update = Update(node, guest, Change("root@pam", guest.vmid, {}, (), (), None))
    errors = update.apply_all()
    return node.guests.load(guest.vmid), errors
