"""What a recipe gets to know: the login, itself, and the other containers."""

from __future__ import annotations

from typing import Any

from harness.inventory.model import Container, Inventory
from harness.kit.secret import Secret


def own(container: Container, login: str) -> dict[str, Any]:
    """What concerns the container itself and is no secret, JSON-able."""
    return {
        "login": login,
        "hostname": container.hostname,
        "domain": container.domain,
        "stage": container.stage,
        container.name: facts(container),
    }


def neighbours(inventory: Inventory) -> list[dict[str, Any]]:
    """Every container as the others see it."""
    return [facts(container) for container in inventory.containers]


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


def complete(
    container: Container, inventory: Inventory, login: str, password: Secret, *, sees_neighbours: bool
) -> dict[str, Any]:
    """All attributes, the password still a ``Secret``; the other containers only for a cookbook that looks at them."""
    others = {"containers": neighbours(inventory)} if sees_neighbours else {}
    return {**own(container, login), **others, "password": password}
