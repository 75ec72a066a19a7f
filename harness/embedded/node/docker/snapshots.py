"""Snapshots: images of the file system, and copies of the volumes."""

from __future__ import annotations

from harness.embedded.engine import labels
from harness.embedded.node.docker import cleanup
from harness.embedded.node.docker.commits import Commits
from harness.embedded.node.docker.containers import nothing_more
from harness.embedded.node.docker.holdings import Holdings
from harness.embedded.node.runtime import GuestError, GuestSpec, Log


class Snapshots:
    """Those of the containers of one node."""

    def __init__(self, held: Holdings, commits: Commits) -> None:
        self._held = held
        self._commits = commits

    def make(self, vmid: int, name: str, log: Log) -> None:
        """Keep file system and volumes of one moment."""
        spec = self._held.specs.load(vmid)
        present = self._held.containers.get(vmid)
        try:
            with self._held.containers.paused(present):
                log(f"keeping the file system of CT {vmid} as '{name}'")
                tag = self._held.names.snapshot(vmid, name).rpartition(":")[2]
                self._commits.commit(present["Id"], vmid, tag, **{labels.SNAPSHOT: name})
                self._held.volumes.keep(vmid, name, spec.mounts)
        except BaseException:
            self.forget(vmid, name)
            raise

    def bring_back(self, vmid: int, name: str, spec: GuestSpec, log: Log) -> None:
        """Put a stopped container back to a snapshot; ``spec`` are the settings of then."""
        log(f"bringing back '{name}'")
        self._held.volumes.bring_back(vmid, name, spec.mounts)
        self._held.containers.replace(spec, self.need(vmid, name), nothing_more, log)
        self._held.specs.save(spec)

    def forget(self, vmid: int, name: str) -> None:
        """Remove one; of one that is not there, what is left."""
        self._remove(self._held.names.snapshot(vmid, name))
        self._held.volumes.forget(vmid, name)

    def keep_only(self, vmid: int, snapshots: frozenset[str]) -> None:
        """Remove what belongs to none of the snapshots that a container has."""
        for name in set(self._held.containers.snapshots(vmid)) - snapshots:
            self._remove(self._held.names.snapshot(vmid, name))
        self._held.volumes.keep_only(vmid, snapshots)

    def need(self, vmid: int, name: str) -> str:
        """The image of one; raises ``GuestError`` when there is none."""
        kept = self._held.names.snapshot(vmid, name)
        if kept not in self._held.containers.snapshots(vmid).values():
            raise GuestError(f"snapshot '{name}' of CT {vmid} does not exist")
        return kept

    def _remove(self, kept: str) -> None:
        # A snapshot that the container was rolled back to is the ground it stands on: then only the name goes.
        if not cleanup.remove_image(self._held.api, kept):
            self._held.api.remove_image(kept, force=True)
