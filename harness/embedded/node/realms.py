"""The realms that users belong to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from harness.embedded.node.store import Store

BUILT_IN: Mapping[str, Mapping[str, Any]] = {
    "pam": {"type": "pam", "comment": "Linux PAM standard authentication"},
    "pve": {"type": "pve", "comment": "Proxmox VE authentication server"},
}


def known(store: Store) -> dict[str, Mapping[str, Any]]:
    """Every realm by name, as it was last changed."""
    return {**BUILT_IN, **dict(store.table("realm").items())}


def digest(store: Store) -> str:
    """SHA-1 of all realms."""
    text = "".join(f"{name}{sorted(realm.items())}" for name, realm in sorted(known(store).items()))
    return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324  # PVE's digest, not a protection
