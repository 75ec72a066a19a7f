"""Whose a node's name is: two checkouts on one machine may not take each other's containers for their own."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.client import DockerClient

from harness.embedded.engine import client as engine
from harness.embedded.engine import labels
from harness.embedded.node.runtime import GuestError
from harness.kit.files import write_atomic

_FILE = "owner"


@dataclass(frozen=True, slots=True)
class Owner:
    """A state directory, known by a random id that moves with it."""

    identity: str
    place: str

    @classmethod
    def of(cls, state: Path) -> Owner:
        """The owner that a state directory is; its id is made at the first call."""
        file = state / _FILE
        if not file.exists():
            write_atomic(file, secrets.token_hex(8) + "\n", mode=0o600)
        return cls(file.read_text().strip(), str(state.resolve()))

    @property
    def label(self) -> str:
        """The value of the owner label."""
        return f"{self.identity} {self.place}"

    def check(self, networks: list[Mapping[str, Any]], name: str) -> bool:
        """Whether everything of the node ``name`` is ours or nobody's any more.

        False: it was left by a state directory that is gone, and may be removed. Raises ``GuestError`` when the name
        belongs to another directory that is still there.
        """
        for network in networks:
            identity, _, place = str((network.get("Labels") or {}).get(labels.OWNER, "")).partition(" ")
            if not identity or identity == self.identity:
                continue
            if is_owned_by(Path(place), identity):
                raise GuestError(
                    f"the name {name} belongs to the embedded node of {place}",
                    hint='give this one another with embedded.name in local/config.json: "embedded": {"name": "…"}',
                )
            return False
        return True


def is_ours(client: DockerClient, state: Path, name: str) -> bool:
    """Whether what the node ``name`` has in Docker was made from ``state``, and not from another checkout."""
    with engine.translated("networks of the node"):
        networks = client.api.networks(filters=labels.of_instance(name))
    try:
        return Owner.of(state).check(networks, name)
    except GuestError:
        return False


def is_owned_by(state: Path, identity: str) -> bool:
    """Whether a state directory is still there under the id it had."""
    try:
        return (state / _FILE).read_text().strip() == identity
    except OSError:
        return False
