"""A container as PVE's configuration would say it, and the same read back: both in one comparable form.

PVE writes values back in its own spelling (PVE API schema, /nodes/{node}/lxc/{vmid}/config): net0 gains hwaddr and
type, rootfs its size, tags are sorted, numbers may be text. What we do not manage is left out of the comparison and
kept when a value is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.inventory.model import BindMount, Container, DeviceMount, ShareMount, VolumeMount
from harness.lifecycle import stamp
from harness.pve import values

_NET_KEYS: Final = ("name", "bridge", "ip", "gw")
MOUNTS: Final = 256
"""PVE allows mp0 … mp255 and dev0 … dev255."""


@dataclass(frozen=True, slots=True)
class Volume:
    """A mount point with a volume of its own, by its path in the container."""

    storage: str
    size_mib: float

    def __str__(self) -> str:
        return f"{self.storage}:{values.render_size(self.size_mib)}"


@dataclass(frozen=True, slots=True)
class Guest:
    """The managed settings of a container. ``scalars`` by PVE's own key; None: not set."""

    scalars: Mapping[str, str | None]
    rootfs: Volume
    unprivileged: bool
    volumes: Mapping[str, Volume]
    binds: Mapping[str, str]
    devices: frozenset[str]


def wanted(container: Container) -> Guest:
    """What ``container`` shall be."""
    mounts = container.mounts
    return Guest(
        scalars=_wanted_scalars(container),
        rootfs=Volume(container.disk.storage, container.disk.size_gib * 1024),
        unprivileged=container.unprivileged,
        volumes={m.target: Volume(m.storage, m.size_gib * 1024) for m in mounts if isinstance(m, VolumeMount)},
        binds={m.target: m.source for m in mounts if isinstance(m, BindMount)},
        devices=frozenset(m.path for m in mounts if isinstance(m, DeviceMount)),
    )


def _wanted_scalars(container: Container) -> dict[str, str | None]:
    return {
        "hostname": container.hostname,
        "cores": str(container.cores),
        "memory": str(container.memory),
        "swap": str(container.swap),
        "onboot": "1" if container.onboot else "0",
        "net0": values.render_properties(net(container)),
        "features": values.render_properties(features(container)),
        "nameserver": _words(container.nameserver),
        "searchdomain": _words(container.searchdomain),
        "startup": values.startup(container.startup or "") or None,
        "tags": values.render_tags([*container.tags, stamp.TAG]),
    }


def net(container: Container) -> dict[str, str]:
    """The first network interface, in a fixed order."""
    return {
        "name": container.interface,
        "bridge": container.bridge,
        "ip": str(container.address),
        "gw": str(container.gateway),
    }


def features(container: Container) -> dict[str, str]:
    """Feature flags; a network share is mounted inside the container, which takes ``mount=cifs``."""
    given = dict(container.features)
    if any(isinstance(mount, ShareMount) for mount in container.mounts):
        kinds = [kind for kind in given.get("mount", "").split(";") if kind]
        given["mount"] = ";".join(dict.fromkeys([*kinds, "cifs"]))
    return values.flags(values.render_properties(given))


def observed(config: Mapping[str, Any]) -> Guest:
    """What PVE says the container is."""
    text = {key: str(value) for key, value in config.items()}
    points = [values.parse_properties(text[key], "volume") for key in keys(text, "mp")]
    volumes = {point["mp"]: point for point in points if not point["volume"].startswith("/")}
    return Guest(
        scalars=_observed_scalars(text),
        rootfs=_volume(values.parse_properties(text.get("rootfs", ""), "volume")),
        unprivileged=text.get("unprivileged", "0") == "1",
        volumes={target: _volume(point) for target, point in volumes.items()},
        binds={point["mp"]: point["volume"] for point in points if point["mp"] not in volumes},
        devices=frozenset(device_path(text[key]) for key in keys(text, "dev")),
    )


def _observed_scalars(text: Mapping[str, str]) -> dict[str, str | None]:
    interface = values.parse_properties(text.get("net0", ""))
    return {
        "hostname": text.get("hostname"),
        "cores": text.get("cores"),
        "memory": text.get("memory", "512"),
        "swap": text.get("swap", "512"),
        "onboot": text.get("onboot", "0"),
        "net0": values.render_properties({key: interface[key] for key in _NET_KEYS if key in interface}),
        "features": values.render_properties(values.flags(text.get("features", ""))),
        "nameserver": _words(text.get("nameserver")),
        "searchdomain": _words(text.get("searchdomain")),
        "startup": values.startup(text.get("startup", "")) or None,
        "tags": values.render_tags(values.parse_tags(text.get("tags", ""))),
    }


def keys(config: Mapping[str, Any], prefix: str) -> list[str]:
    """``mp0``, ``mp1`` … as far as set, in numeric order."""
    found = [key for key in config if key.startswith(prefix) and key[len(prefix) :].isdigit()]
    return sorted(found, key=lambda key: int(key[len(prefix) :]))


def free_key(config: Mapping[str, Any], prefix: str) -> str:
    """The first key of that kind that is not taken."""
    return next(f"{prefix}{number}" for number in range(MOUNTS) if f"{prefix}{number}" not in config)


def device_path(value: str) -> str:
    """Path in a ``devN`` value."""
    return values.parse_properties(value, "path").get("path", "")


def _volume(point: Mapping[str, str]) -> Volume:
    size = point.get("size", "")
    return Volume(point.get("volume", "").partition(":")[0], values.size_mib(size) if size else 0.0)


def _words(text: str | None) -> str | None:
    """Lists of addresses or domains separated as PVE keeps them."""
    return " ".join((text or "").replace(",", " ").split()) or None
