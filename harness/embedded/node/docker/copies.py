"""Containers made out of containers.

A clone stands on an image of its own. Its layers are shared with what it was copied from, as a linked clone's blocks
are, and still neither notices when the other goes.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from harness.embedded.engine import labels
from harness.embedded.node.docker import cleanup
from harness.embedded.node.docker.commits import Commits
from harness.embedded.node.docker.containers import CLONED, Containers
from harness.embedded.node.docker.files import File
from harness.embedded.node.docker.names import Names
from harness.embedded.node.docker.setup import Inside
from harness.embedded.node.docker.volumes import Volumes
from harness.embedded.node.runtime import GuestSpec, Log


class Copies:
    """Copies the containers of one node."""

    def __init__(self, api: Any, names: Names, containers: Containers, parts: tuple[Commits, Volumes]) -> None:
        self._api = api
        self._names = names
        self._containers = containers
        self._commits, self._volumes = parts

    def clone(self, source: GuestSpec, spec: GuestSpec, log: Log) -> None:
        """Make a stopped container with the present content of another."""
        present = self._containers.get(source.vmid)
        with self._containers.paused(present):
            image = self._commits.commit(present["Id"], spec.vmid, CLONED)
            self._copy_volumes(_by_key(source, self._names), spec)
        self._place(spec, image, log)

    def clone_snapshot(self, source: GuestSpec, snapshot: str, spec: GuestSpec, log: Log) -> None:
        """Make a stopped container with the content that a snapshot keeps."""
        kept = self._names.snapshot(source.vmid, snapshot)
        image = self._own_image(kept, spec.vmid)
        known = self._volumes.kept(source.vmid, snapshot)
        self._copy_volumes(known, spec)
        self._place(spec, image, log)

    def _own_image(self, kept: str, vmid: int) -> str:
        """An image of the clone's own with the content of another, so that each can be removed before the other."""
        marks = {labels.INSTANCE: self._names.instance}
        passing = self._api.create_container(kept, ["true"], entrypoint=[], labels=marks)["Id"]
        try:
            return self._commits.again(passing, vmid, CLONED)
        finally:
            cleanup.remove_container(self._api, passing)

    def _copy_volumes(self, known: Mapping[str, str], spec: GuestSpec) -> None:
        wanted = [mount for mount in spec.mounts if mount.kind == "volume" and mount.key in known]
        self._volumes.copy(spec.vmid, {mount.source: known[mount.key] for mount in wanted})

    def _place(self, spec: GuestSpec, image: str, log: Log) -> None:
        # As on Proxmox VE a clone is a machine of its own to systemd, and keeps everything else, its host keys too.
        def laid(inside: Inside) -> list[File]:
            known = spec.managed and inside.has("/etc/machine-id")
            return [File("etc/machine-id", f"{uuid.uuid4().hex}\n".encode(), 0o444)] if known else []

        self._containers.place(spec, image, laid, log)


def _by_key(spec: GuestSpec, names: Names) -> dict[str, str]:
    return {mount.key: names.volume(mount.source) for mount in spec.mounts if mount.kind == "volume"}
