"""What is sent to PVE to make a container, or to make one what it shall be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.inventory.model import BindMount, Container, DeviceMount, VolumeMount
from harness.lifecycle import compare, desired
from harness.pve import values


@dataclass(frozen=True, slots=True)
class Resize:
    """A volume to grow, to a whole size in MiB."""

    key: str
    size_mib: int

    @property
    def size(self) -> str:
        """As PVE takes it."""
        return f"{self.size_mib}M"


@dataclass(frozen=True, slots=True)
class Update:
    """Settings to write, keys to delete, volumes to grow."""

    settings: Mapping[str, str]
    delete: tuple[str, ...] = ()
    resizes: tuple[Resize, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.settings or self.delete or self.resizes)


def creation(container: Container, *, template: str, public_key: str, description: str) -> dict[str, Any]:
    """Parameters of POST /nodes/{node}/lxc (PVE API schema). The stamp is in it from the container's first moment."""
    scalars = {key: value for key, value in desired.wanted(container).scalars.items() if value}
    return {
        "vmid": container.vmid,
        "ostemplate": template,
        "rootfs": f"{container.disk.storage}:{container.disk.size_gib:g}",
        "unprivileged": container.unprivileged,
        "ssh-public-keys": public_key,
        "description": description,
        **scalars,
        **_mounts(container),
    }


def _mounts(container: Container) -> dict[str, str]:
    found: dict[str, str] = {}
    for mount in container.mounts:
        if isinstance(mount, BindMount):
            found[desired.free_key(found, "mp")] = _bind(mount.source, mount.target)
        elif isinstance(mount, VolumeMount):
            found[desired.free_key(found, "mp")] = _volume(mount)
        elif isinstance(mount, DeviceMount):
            found[desired.free_key(found, "dev")] = mount.path
    return found


def _bind(source: str, target: str) -> str:
    return f"{source},mp={target}"


def _volume(mount: VolumeMount) -> str:
    return f"{mount.storage}:{mount.size_gib:g},mp={mount.target},ro=0,acl=1"


def update(container: Container, config: Mapping[str, Any]) -> Update:
    """What makes ``config`` be ``container``, as far as it can change in place."""
    old, new = desired.observed(config), desired.wanted(container)
    scalars = {key: value for key, value in new.scalars.items() if (value or None) != (old.scalars.get(key) or None)}
    settings = {key: value for key, value in scalars.items() if value}
    if "net0" in settings:
        settings["net0"] = _net(container, config)
    changed, gone = _changed_mounts(container, config)
    delete = [key for key, value in scalars.items() if not value]
    return Update({**settings, **changed}, (*delete, *gone), tuple(_resizes(container, config)))


def _net(container: Container, config: Mapping[str, Any]) -> str:
    """net0 with what we manage replaced and the rest (hardware address, firewall, VLAN tag) kept."""
    present = values.parse_properties(str(config.get("net0", "")))
    return values.render_properties({**present, **desired.net(container)})


def _changed_mounts(container: Container, config: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Mount points and devices to write, and keys to delete; a mount point is known by its path, not its number."""
    wanted = {mount.target: mount for mount in container.mounts if isinstance(mount, BindMount | VolumeMount)}
    present = {_target(config, key): key for key in desired.keys(config, "mp")}
    taken, changed = dict(config), {}
    for target, mount in wanted.items():
        key = present.get(target) or desired.free_key(taken, "mp")
        if target not in present or _other_source(mount, str(config[key])):
            text = _bind(mount.source, target) if isinstance(mount, BindMount) else _volume(mount)
            changed[key] = taken[key] = text
    gone = [key for target, key in present.items() if target not in wanted]
    devices, lost = _changed_devices(container, config)
    return {**changed, **devices}, [*gone, *lost]


def _target(config: Mapping[str, Any], key: str) -> str:
    return values.parse_properties(str(config[key]), "volume").get("mp", "")


def _other_source(mount: BindMount | VolumeMount, present: str) -> bool:
    """Whether a mount point's source is to be written; a volume of its own is never, that would make a new one."""
    source = values.parse_properties(present, "volume")["volume"]
    return isinstance(mount, BindMount) and mount.source != source


def _changed_devices(container: Container, config: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    wanted = [mount.path for mount in container.mounts if isinstance(mount, DeviceMount)]
    present = {desired.device_path(str(config[key])): key for key in desired.keys(config, "dev")}
    taken, changed = dict(config), {}
    for path in wanted:
        if path not in present:
            key = desired.free_key(taken, "dev")
            changed[key] = taken[key] = path
    return changed, [key for path, key in present.items() if path not in wanted]


def _resizes(container: Container, config: Mapping[str, Any]) -> Iterable[Resize]:
    old, new = desired.observed(config), desired.wanted(container)
    keys = {"rootfs": (old.rootfs, new.rootfs)}
    for key in desired.keys(config, "mp"):
        target = _target(config, key)
        if target in old.volumes and target in new.volumes:
            keys[key] = (old.volumes[target], new.volumes[target])
    for key, (before, after) in keys.items():
        if compare.grows(before, after):
            yield Resize(key, round(after.size_mib))
