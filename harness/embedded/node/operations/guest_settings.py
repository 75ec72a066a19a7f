"""Settings as they are written back: interfaces get a hardware address, devices must exist, text is normalised."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from harness.embedded.node import guest_config, storages
from harness.embedded.node.errors import failure
from harness.embedded.node.grammar import property_string, verify
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_disks

MAC_PREFIX = "BC:24:11"
_BRIDGE_MTU = 1500
"""Bytes: what bridges have that nobody gave another."""


def prepare(node: Node, settings: Mapping[str, str | None]) -> dict[str, str | None]:
    """Each setting as it will be read back; None removes the key. Raises PVE's 500 for what only the code refuses."""
    return {key: _prepare(node, key, value) for key, value in settings.items()}


def _prepare(node: Node, key: str, value: str | None) -> str | None:
    if value and re.fullmatch(r"net\d+", key):
        _check_mtu(node, key, value)
        return network(node, value)
    if value and re.fullmatch(r"dev\d+", key):
        _check_device(node, value)
    if value and key == "hookscript":
        _check_hook(node, value)
    return guest_config.normalize(key, value)


def _check_mtu(node: Node, key: str, value: str) -> None:
    """An interface takes no larger packets than its bridge; only one with an ``mtu`` is held against it."""
    values = verify.parse_property(guest_disks.form_of(node, "net0"), value)
    mtu, name = int(values.get("mtu", 0)), values.get("bridge", "")
    if not mtu:
        return
    if name not in {bridge.name for bridge in node.options.bridges}:
        raise failure(f"bridge '{name}' does not exist")
    if mtu > _BRIDGE_MTU:
        raise failure(f"{key}: MTU size '{mtu}' is bigger than bridge MTU '{_BRIDGE_MTU}'")


def _check_hook(node: Node, volid: str) -> None:
    storage, name = storages.split_volid(volid)
    node.storages.check_volume_name(node.storages.need(storage), name)
    if not name.startswith("snippets/"):
        raise failure(f"'{volid}' is not in the snippets directory")
    if volid not in node.storages.volumes:
        raise failure(f"script '{volid}' does not exist")


def network(node: Node, value: str) -> str:
    """A ``netN`` with its type and a hardware address of the node's own range."""
    form = guest_disks.form_of(node, "net0")
    values = verify.parse_property(form, value)
    values.setdefault("hwaddr", new_hwaddr())
    return property_string.render(form, {**values, "type": "veth"})


def new_hwaddr() -> str:
    """A random address with Proxmox's prefix."""
    return ":".join([MAC_PREFIX, *(f"{byte:02X}" for byte in secrets.token_bytes(3))])


def _check_device(node: Node, value: str) -> None:
    values = verify.parse_property(guest_disks.form_of(node, "dev0"), value)
    if "path" not in values:
        raise failure("Path has to be defined")
    if not Path(values["path"]).exists():
        raise failure(f"Device {values['path']} does not exist")
