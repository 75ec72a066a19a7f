"""Every effective value with the place it came from, as people write it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.config.keys import KEYS
from harness.config.origin import DEFAULT, Origin
from harness.config.settings import Settings
from harness.config.settings_keys import SETTINGS
from harness.inventory.model import BindMount, Container, DeviceMount, Mount, ShareMount, VolumeMount
from harness.kit.secret import MASK, Secret


@dataclass(frozen=True, slots=True)
class Line:
    """One value. ``resolved`` is what it became on this target, None where that is the same; ``unset`` marks a value
    that only says in words what holds instead."""

    key: str
    value: str
    origin: Origin
    resolved: str | None = None
    unset: bool = False

    @property
    def shown(self) -> str:
        """``declared → resolved``, or the value alone."""
        return self.value if self.resolved is None else f"{self.value} → {self.resolved}"

    def as_data(self) -> dict[str, str | None]:
        """For ``--json``."""
        value = None if self.unset else self.resolved or self.value
        data: dict[str, str | None] = {"value": value, "origin": str(self.origin)}
        return data if self.resolved is None else {**data, "declared": self.value}


def container(of: Container, settings: Settings) -> list[Line]:
    """All keys of a ``config.env``, then what the settings add: gateway, bridge, interface, domain."""
    lines = [_address(of)]
    lines += [Line(key, _RENDER[key](of), of.origins.get(key, DEFAULT)) for key in KEYS if key != "IP"]
    first_host = Origin("resolved: the first host address of the network")
    lines.append(Line("gateway", str(of.gateway), settings.origins.get("proxmox.gateway", first_host)))
    for name in ("bridge", "interface"):
        lines.append(Line(name, str(getattr(of, name)), settings.origins.get(f"proxmox.{name}", DEFAULT)))
    lines.append(Line("domain", of.domain, of.origins.get("SEARCHDOMAIN", DEFAULT)))
    return lines


def settings(of: Settings) -> list[Line]:
    """All settings, secrets masked, those that stand nowhere with their default."""
    return [_setting(of, name) for name in SETTINGS]


def _setting(of: Settings, name: str) -> Line:
    section, _, key = name.rpartition(".")
    holder: Any = getattr(of, section) if section else of
    value = getattr(holder, "nodes" if name == "proxmox.node" else key)
    origin = of.origins.get(name, DEFAULT)
    if value is None:
        return Line(name, f"({SETTINGS[name].default.replace('`', '')})", origin, unset=True)
    if isinstance(value, Secret):
        return Line(name, MASK, origin)
    return Line(name, ", ".join(value) if isinstance(value, tuple) else str(value), origin)


def _address(of: Container) -> Line:
    moved = str(of.address) if of.address != of.declared_address else None
    return Line("IP", str(of.declared_address), of.origins.get("IP", DEFAULT), moved)


def _mount(mount: Mount) -> str:
    match mount:
        case BindMount(source, target):
            return f"{source}:{target}"
        case VolumeMount(storage, size, target):
            return f"{storage}:{size:g}:{target}"
        case DeviceMount(path):
            return path
        case ShareMount(name):
            return name


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"


_RENDER: Mapping[str, Callable[[Container], str]] = {
    "ID": lambda of: str(of.vmid),
    "HOSTNAME": lambda of: of.hostname,
    "CORES": lambda of: str(of.cores),
    "MEMORY": lambda of: str(of.memory),
    "SWAP": lambda of: str(of.swap),
    "DISK": lambda of: f"{of.disk.storage}:{of.disk.size_gib:g}",
    "BOOT": lambda of: _yes_no(of.onboot),
    "MOUNT": lambda of: ",".join(_mount(mount) for mount in of.mounts),
    "NODE": lambda of: of.node,
    "NEEDS": lambda of: ",".join(of.needs),
    "UNPRIVILEGED": lambda of: _yes_no(of.unprivileged),
    "FEATURES": lambda of: ",".join(f"{name}={value}" for name, value in of.features),
    "NAMESERVER": lambda of: of.nameserver or "",
    "SEARCHDOMAIN": lambda of: of.searchdomain or "",
    "STARTUP": lambda of: of.startup or "",
    "TAGS": lambda of: ",".join(of.tags),
    "ENGINE": lambda of: of.engine,
    "OSTEMPLATE": lambda of: of.ostemplate,
}
