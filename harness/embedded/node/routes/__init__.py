"""The handlers of the API, one module for each area; ``load`` registers them all."""

from __future__ import annotations

import importlib

_MODULES = (
    "access",
    "users",
    "acl",
    "cluster",
    "nodes",
    "tasks",
    "guests",
    "guest_lifecycle",
    "guest_snapshots",
    "storage",
    "content",
    "templates",
    "pools",
    "network",
    "indexes",
    "ha",
    "backup_jobs",
    "firewall",
    "firewall_rules",
    "firewall_sets",
    "firewall_aliases",
    "firewall_groups",
    "uploads",
    "guest_copies",
    "statistics",
    "backups",
    "bulk",
    "services",
    "system",
    "node_config",
    "ha_rules",
    "realms",
    "consoles",
    "prune",
    "virtual_machines",
    "batch",
    "charts",
)


def load() -> None:
    """Import every module of handlers."""
    for name in _MODULES:
        importlib.import_module(f"{__name__}.{name}")
