"""What a node's things are called in Docker."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from ipaddress import IPv4Network

from harness.embedded.engine import labels

_LONGEST_INTERFACE = 15  # IFNAMSIZ - 1, linux/if.h


@dataclass(frozen=True, slots=True)
class Names:
    """Names of the containers, networks, volumes and images of the node ``instance``."""

    instance: str

    def container(self, vmid: int) -> str:
        """The container as a person sees it in ``docker ps``."""
        return f"{self.instance}-{vmid}"

    def making(self, vmid: int) -> str:
        """A container that is not finished: removed when found."""
        return f"{self.instance}-{vmid}-making"

    def next(self, vmid: int) -> str:
        """A finished container about to take the place of the present one: moved there when found."""
        return f"{self.instance}-{vmid}-next"

    def network(self, bridge: str, subnet: IPv4Network | None = None) -> str:
        """The network of a bridge, or its second one for addresses that lie elsewhere."""
        suffix = f"-{subnet}".replace("/", "-") if subnet else ""
        return f"{self.instance}-{bridge}{suffix}"

    def interface(self, network: str) -> str:
        """The host's interface of a network: its name, shortened by a hash where the kernel allows no more."""
        if len(network) <= _LONGEST_INTERFACE:
            return network
        return f"br-{hashlib.sha256(network.encode()).hexdigest()[:12]}"

    def volume(self, source: str, snapshot: str | None = None) -> str:
        """The Docker volume of a PVE volume id, or the copy that a snapshot keeps of it."""
        # A template's volumes are renamed (base-, basevol-); Docker cannot rename, so both names mean one volume.
        named = re.sub(r"\bbase(vol)?-(?=\d+-disk-)", lambda found: "subvol-" if found[1] else "vm-", source)
        plain = re.sub(r"[^a-zA-Z0-9_.-]", "-", named)
        return f"{self.instance}-{plain}" + (f".{snapshot}" if snapshot else "")

    @staticmethod
    def owner(source: str) -> int | None:
        """The VMID that a volume id names, or None."""
        found = re.search(r"\b(?:vm|subvol|base|basevol)-(\d+)-disk-", source)
        return int(found[1]) if found else None

    def repository(self, vmid: int) -> str:
        """Where images of a container's states go."""
        return f"{self._images}/{vmid}"

    @property
    def templates(self) -> str:
        """Where images of templates go that came as archives."""
        return f"{self._images}/template"

    @property
    def _images(self) -> str:
        """Image names know no capitals."""
        plain = re.sub(r"[^a-z0-9]+", "-", self.instance.lower()).strip("-") or "node"
        mark = hashlib.sha256(self.instance.encode()).hexdigest()[:6]
        return f"proxmox-gitops/{plain}-{mark}"

    def snapshot(self, vmid: int, name: str) -> str:
        """The image that keeps a snapshot."""
        return f"{self.repository(vmid)}:snapshot-{name}"

    def labels(self, vmid: int, **more: str) -> dict[str, str]:
        """Labels of everything that belongs to one container."""
        return {labels.INSTANCE: self.instance, labels.VMID: str(vmid), **more}
