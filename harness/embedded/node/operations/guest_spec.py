"""From a configuration to what the runtime needs to know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Interface
from typing import Literal

from harness.embedded.node.grammar import verify
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_disks
from harness.embedded.node.runtime import GuestDevice, GuestMount, GuestNet, GuestSpec

_NET = re.compile(r"net(\d+)")
_DEVICE = re.compile(r"dev\d+")
IMAGE_TABLE = "guest-image"


def build(
    node: Node, vmid: int, config: Mapping[str, str], *, image: str = "", keys: str = "", password: str | None = None
) -> GuestSpec:
    """The spec of a configuration; ``image`` is remembered from the creation when it is not given."""
    known = node.store.table(IMAGE_TABLE).get(str(vmid)) or {}
    limit = float(_number(config, "cpulimit", "0"))
    disks = guest_disks.of_config(node, config)
    return GuestSpec(
        vmid=vmid,
        hostname=config.get("hostname", f"CT{vmid}"),
        image=image or str(known.get("image", "")),
        cores=int(_number(config, "cores", "0")) or None,
        cpulimit=limit or None,
        memory_mib=int(_number(config, "memory", "512")),
        swap_mib=int(_number(config, "swap", "512")),
        nets=nets(node, config),
        mounts=_mounts(disks),
        devices=_devices(node, config),
        ssh_public_keys=keys,
        root_password=password,
        nameserver=_text(config, "nameserver"),
        searchdomain=_text(config, "searchdomain"),
        features=features(node, config.get("features", "")),
        unprivileged=config.get("unprivileged") == "1",
        managed=config.get("ostype") != "unmanaged",
        rootfs_bytes=next((disk.size or 0 for disk in disks if disk.key == "rootfs"), 0),
    )


def _text(config: Mapping[str, str], key: str) -> str | None:
    return config.get(key, "").strip() or None


def _number(config: Mapping[str, str], key: str, default: str) -> str:
    return config.get(key, default).strip() or default


def features(node: Node, text: str) -> dict[str, str]:
    """The feature flags of a property string."""
    return verify.parse_property(guest_disks.form_of(node, "features"), text)


def nets(node: Node, config: Mapping[str, str]) -> tuple[GuestNet, ...]:
    """The network interfaces, in order."""
    found = sorted((int(match[1]), key) for key in config if (match := _NET.fullmatch(key)))
    return tuple(_net(node, index, config[key]) for index, key in found)


def _net(node: Node, index: int, text: str) -> GuestNet:
    values = verify.parse_property(guest_disks.form_of(node, "net0"), text)
    address, gateway = values.get("ip", ""), values.get("gw")
    return GuestNet(
        index=index,
        name=values["name"],
        bridge=values.get("bridge", ""),
        hwaddr=values.get("hwaddr", ""),
        ip=IPv4Interface(address) if "/" in address else None,
        gateway=IPv4Address(gateway) if gateway else None,
    )


def _mounts(disks: list[guest_disks.Disk]) -> tuple[GuestMount, ...]:
    found = []
    for disk in disks:
        if disk.key != "rootfs" and disk.kind != "device":
            kind: Literal["volume", "bind"] = "bind" if disk.kind == "bind" else "volume"
            target, read_only = disk.values.get("mp", ""), disk.values.get("ro") == "1"
            included = disk.values.get("backup") == "1"
            found.append(GuestMount(disk.key, kind, disk.volume, target, read_only, included))
    return tuple(found)


def _devices(node: Node, config: Mapping[str, str]) -> tuple[GuestDevice, ...]:
    found = []
    for key in sorted(key for key in config if _DEVICE.fullmatch(key)):
        values = verify.parse_property(guest_disks.form_of(node, "dev0"), config[key])
        ids = int(values.get("uid", "0")), int(values.get("gid", "0"))
        found.append(GuestDevice(key, values.get("path", ""), values.get("mode"), *ids))
    return tuple(found)
