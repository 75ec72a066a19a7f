"""What a recipe gets to know: the login, itself, and the other containers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.inventory.model import Container, Inventory
from harness.kit.secret import Secret


def public(container: Container, inventory: Inventory, login: str) -> dict[str, Any]:
    """The attributes that are no secret, JSON-able."""
    return {
        "login": login,
        "hostname": container.hostname,
        "domain": container.domain,
        "stage": container.stage,
        "containers": [facts(other) for other in inventory.containers],
        container.name: facts(container),
    }


def facts(container: Container) -> dict[str, Any]:
    """How one container is seen by the others."""
    return {
        "name": container.name,
        "hostname": container.hostname,
        "ip": str(container.address.ip),
        "domain": container.domain,
        "vmid": container.vmid,
        "node": container.node,
        "stage": container.stage,
    }


def complete(container: Container, inventory: Inventory, login: str, password: Secret) -> Mapping[str, Any]:
    """All attributes, the password still a ``Secret``."""
    return {**public(container, inventory, login), "password": password}
