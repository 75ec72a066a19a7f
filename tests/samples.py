"""What many tests need and few look at closely: one container of an inventory, and a clock that does not wait."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import Any

from harness.inventory.model import Container, Disk

MONOREPO = "mr-0123456789abcdef"


def container(name: str = "apache", *, at: str = "10.143.0.13/24", **changes: Any) -> Container:
    """A container whose library asks for nothing special; ``at`` is its address, ``changes`` are fields of its own."""
    address = IPv4Interface(at)
    values: dict[str, Any] = {
        "name": name,
        "directory": Path("libs") / name,
        "hostname": name,
        "vmid": 113,
        "address": address,
        "declared_address": address,
        "gateway": IPv4Address(int(address.network.network_address) + 1),
        "node": "pve",
        "bridge": "vmbr0",
        "interface": "eth0",
        "cores": 1,
        "memory": 512,
        "swap": 512,
        "disk": Disk("local-lvm", 8),
        "onboot": True,
        "mounts": (),
        "needs": (),
        "unprivileged": True,
        "features": (("nesting", "1"),),
        "nameserver": None,
        "searchdomain": None,
        "startup": None,
        "tags": (),
        "engine": "auto",
        "ostemplate": "debian-13-standard",
    }
    return Container(**{**values, **changes})


class FakeClock:
    """Time passes only where somebody waits; ``pauses`` are the seconds of each wait."""

    def __init__(self) -> None:
        self.time = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds
