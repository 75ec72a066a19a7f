"""Which devices of the workstation a container may be given."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.embedded.node.runtime import GuestDevice, GuestError

SAFE = frozenset(f"/dev/{name}" for name in ("fuse", "net/tun", "null", "zero", "full", "random", "urandom"))
"""Devices that reach nothing of the workstation's own: no disk, no terminal, no bus."""
_DEFAULT_MODE = "0660"  # PVE API schema, devN: "Access mode to be set on the device node"


def mappings(devices: Iterable[GuestDevice]) -> list[str]:
    """Docker's device arguments; raises ``GuestError`` for a device that is not passed through or not there."""
    return [f"{checked(device)}:{device.path}:rwm" for device in devices]


def checked(device: GuestDevice) -> str:
    """The path on the host of an allowed device."""
    if device.path not in SAFE:
        allowed = ", ".join(sorted(SAFE))
        raise GuestError(
            f"{device.key}: the embedded node passes {device.path} through to no container",
            hint=f"allowed are {allowed}; other devices need a real host",
        )
    if not Path(device.path).is_char_device():
        raise GuestError(f"{device.key}: device {device.path} does not exist on this machine")
    return device.path


def permission_script(devices: Iterable[GuestDevice]) -> str:
    """Shell lines that give the devices the owner and mode asked for, inside the container after its start."""
    lines = []
    for device in devices:
        lines.append(f"chown {device.uid}:{device.gid} {device.path}")
        lines.append(f"chmod {device.mode or _DEFAULT_MODE} {device.path}")
    return "\n".join(lines)
