"""What one node has in the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.embedded.node.docker.bridges import Bridges
from harness.embedded.node.docker.commands import Commands
from harness.embedded.node.docker.containers import Containers
from harness.embedded.node.docker.names import Names
from harness.embedded.node.docker.specs import Specs
from harness.embedded.node.docker.volumes import Volumes
from harness.embedded.node.docker.watch import Watch


@dataclass(frozen=True, slots=True)
class Holdings:
    """Its containers with their disks and networks, and what it remembers of them; ``api`` is Docker's."""

    api: Any
    names: Names
    containers: Containers
    volumes: Volumes
    bridges: Bridges
    specs: Specs
    watch: Watch
    commands: Commands
