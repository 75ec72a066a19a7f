"""How everything that a node makes in Docker is marked, so that it is found again and nothing else is touched."""

from __future__ import annotations

INSTANCE = "proxmox-gitops.instance"
"""Name of the node that owns a container, image, volume or network."""
VMID = "proxmox-gitops.vmid"
SNAPSHOT = "proxmox-gitops.snapshot"
"""On images and volumes that keep a snapshot: its name."""
MOUNT = "proxmox-gitops.mount"
"""On volumes that keep a snapshot: the key of the mount point (``mp0``) that they are a copy of."""
SPEC = "proxmox-gitops.spec"
"""Hash of the part of the specification that only a new Docker container can change."""
OWNER = "proxmox-gitops.owner"
"""On networks: the random id of the state directory that a node's name belongs to, and where it lies."""
BRIDGE = "proxmox-gitops.bridge"
BASE = "proxmox-gitops.base"
"""On base images, which all nodes of a machine share: the Debian release."""
SYSTEM = "proxmox-gitops.system"
"""On a container beside the nodes' guests (a control plane), its volumes and images: its name."""
SYSTEM_OWNER = "proxmox-gitops.system-owner"
"""On the same: the random id of the checkout that it belongs to, and where that lies."""


def of_instance(name: str) -> dict[str, list[str]]:
    """The filter of the Docker API for everything that the node ``name`` owns."""
    return {"label": [f"{INSTANCE}={name}"]}


def of_guest(name: str, vmid: int) -> dict[str, list[str]]:
    """The filter for what belongs to one container of the node ``name``."""
    return {"label": [f"{INSTANCE}={name}", f"{VMID}={vmid}"]}
