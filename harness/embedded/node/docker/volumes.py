"""A container's ``mpN`` volumes as Docker volumes, its bind mounts below the node's own root directory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from docker import errors as docker_errors
from docker.types import Mount

from harness.embedded.engine import labels
from harness.embedded.node.docker import cleanup
from harness.embedded.node.docker.names import Names
from harness.embedded.node.runtime import GuestError, GuestMount, GuestSpec, Log

_COPY = "find /to -mindepth 1 -delete && cp -a /from/. /to/"


class Volumes:
    """Makes, mounts, copies and removes the storage of one node's containers."""

    def __init__(self, api: Any, names: Names, root: Path) -> None:
        self._api = api
        self._names = names
        self._root = root

    def mounts(self, vmid: int, mounts: Iterable[GuestMount], log: Log) -> list[Mount]:
        """Docker's mounts; volumes are made when missing, bind sources too."""
        return [self._mount(vmid, mount, log) for mount in mounts]

    def _mount(self, vmid: int, mount: GuestMount, log: Log) -> Mount:
        if mount.kind == "bind":
            source = self.bind_source(mount)
            if not source.exists():
                log(f"{mount.key}: making the node's directory {mount.source}")
                source.mkdir(parents=True)
            return Mount(mount.target, str(source), type="bind", read_only=mount.read_only)
        name = self._names.volume(mount.source)
        self._have(vmid, name)
        return Mount(mount.target, name, type="volume", read_only=mount.read_only, no_copy=True)

    def place(self, vmid: int, mount: GuestMount) -> Path:
        """Where a mount's content lies on the engine's machine; it is made when missing."""
        made = self._mount(vmid, mount, _silent)
        if mount.kind == "bind":
            return Path(made["Source"])
        return Path(self._api.inspect_volume(made["Source"])["Mountpoint"])

    def bind_source(self, mount: GuestMount) -> Path:
        """Where a path of the node lies on this machine; raises ``GuestError`` when it leads out of the node."""
        root = self._root.resolve()
        source = (root / mount.source.lstrip("/")).resolve()
        if not source.is_relative_to(root) or source == root:
            raise GuestError(f"{mount.key}: {mount.source} leads out of the node's own root directory")
        return source

    def _have(self, vmid: int, name: str, **more: str) -> None:
        # Making a volume that is there already is no error for Docker: its labels stay as they were.
        self._api.create_volume(name, labels=self._names.labels(vmid, **more))

    def keep(self, vmid: int, snapshot: str, mounts: Iterable[GuestMount], image: str) -> None:
        """Copy the volumes for a snapshot; one that waits for the next start is not made yet and has no content."""
        made = {volume["Name"] for volume in self._of_guest(vmid, None)}
        for mount in _volumes(mounts):
            if self._names.volume(mount.source) not in made:
                continue
            kept = self._names.volume(mount.source, snapshot)
            self._have(vmid, kept, **{labels.SNAPSHOT: snapshot, labels.MOUNT: mount.key})
            self._copy(self._names.volume(mount.source), kept, image)

    def kept(self, vmid: int, snapshot: str) -> dict[str, str]:
        """The volumes that a snapshot keeps, by the key of their mount point."""
        return {found["Labels"].get(labels.MOUNT, ""): found["Name"] for found in self._of_guest(vmid, snapshot)}

    def keep_only(self, vmid: int, snapshots: frozenset[str]) -> None:
        """Remove the copies of all other snapshots."""
        for volume in self._of_guest(vmid, None):
            if volume["Labels"].get(labels.SNAPSHOT, "") not in snapshots | {""}:
                self._remove(volume["Name"])

    def copy(self, known: str, vmid: int, source: str, image: str) -> None:
        """Copy the Docker volume ``known`` to a volume of a container."""
        target = self._names.volume(source)
        self._have(vmid, target)
        self._copy(known, target, image)

    def exists(self, vmid: int, source: str) -> bool:
        """Whether a volume has been made: one that waits for the next start has not."""
        return any(volume["Name"] == self._names.volume(source) for volume in self._of_guest(vmid, None))

    def fill(self, spec: GuestSpec, image: str) -> None:
        """Give new volumes what an image has in their places, and make room there for what is mounted."""
        for mount in _volumes(spec.mounts):
            self._have(spec.vmid, self._names.volume(mount.source))
            mounts = [Mount("/to", self._names.volume(mount.source), type="volume", no_copy=True)]
            host = self._api.create_host_config(mounts=mounts, network_mode="none")
            command = ["sh", "-c", 'if [ -d "$1" ]; then cp -a "$1/." /to/; fi', "sh", mount.target]
            cleanup.run_once(self._api, image, command, host, self._names.instance)

    def bring_back(self, vmid: int, snapshot: str, mounts: Iterable[GuestMount], image: str) -> None:
        """Make the volumes what they were; one that the snapshot does not know stays as it is."""
        kept = {volume["Name"] for volume in self._of_guest(vmid, snapshot)}
        for mount in _volumes(mounts):
            source = self._names.volume(mount.source, snapshot)
            if source in kept:
                self._have(vmid, self._names.volume(mount.source))
                self._copy(source, self._names.volume(mount.source), image)

    def forget(self, vmid: int, snapshot: str | None = None) -> None:
        """Remove a snapshot's copies, or everything a container has."""
        for volume in self._of_guest(vmid, snapshot):
            self._remove(volume["Name"])

    def delete(self, vmid: int, source: str) -> None:
        """Remove one volume of a container; an unknown one is no error."""
        if self.exists(vmid, source):
            self._remove(self._names.volume(source))

    def _remove(self, name: str) -> None:
        try:
            self._api.remove_volume(name)
        except docker_errors.NotFound:
            return

    def _of_guest(self, vmid: int, snapshot: str | None) -> list[Mapping[str, Any]]:
        wanted = labels.of_guest(self._names.instance, vmid)
        if snapshot is not None:
            wanted["label"].append(f"{labels.SNAPSHOT}={snapshot}")
        return self._api.volumes(filters=wanted)["Volumes"] or []

    def _copy(self, source: str, target: str, image: str) -> None:
        """Replace the content of one volume by another's, in a passing container: only root sees volumes."""
        mounts = [Mount("/from", source, type="volume", read_only=True), Mount("/to", target, type="volume")]
        host = self._api.create_host_config(mounts=mounts, network_mode="none")
        cleanup.run_once(self._api, image, ["sh", "-c", _COPY], host, self._names.instance)


def _silent(_line: str) -> None:
    """For work that has no task log."""


def _volumes(mounts: Iterable[GuestMount]) -> list[GuestMount]:
    return [mount for mount in mounts if mount.kind == "volume"]
