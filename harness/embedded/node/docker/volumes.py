"""A container's ``mpN`` volumes as Docker volumes, its bind mounts below the node's own root directory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from docker import errors as docker_errors
from docker.types import Mount

from harness.embedded.engine import labels
from harness.embedded.node.docker.names import Names
from harness.embedded.node.docker.tools import Pair, Tools
from harness.embedded.node.runtime import GuestError, GuestMount, GuestSpec, Log

_FILL = """\
set -e
number=0
for target in "$@"; do
  if [ -d "/image$target" ]; then cp -a "/image$target/." /to/$number/; fi
  number=$((number + 1))
done
rm -f /image/etc/vzdump/pct.conf /image/etc/vzdump/pct.fw
rmdir /image/etc/vzdump 2> /dev/null || :
"""


class Volumes:
    """Makes, mounts, copies and removes the storage of one node's containers."""

    def __init__(self, api: Any, names: Names, root: Path, tools: Tools) -> None:
        self._api = api
        self._names = names
        self._root = root
        self._tools = tools

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

    def keep(self, vmid: int, snapshot: str, mounts: Iterable[GuestMount]) -> None:
        """Copy the volumes for a snapshot; one that waits for the next start is not made yet and has no content."""
        made = {volume["Name"] for volume in self._of_guest(vmid, None)}
        pairs = []
        for mount in _volumes(mounts):
            name, kept = self._names.volume(mount.source), self._names.volume(mount.source, snapshot)
            if name in made:
                self._have(vmid, kept, **{labels.SNAPSHOT: snapshot, labels.MOUNT: mount.key})
                pairs.append(Pair("volume", name, kept))
        self._tools.copy(pairs)

    def kept(self, vmid: int, snapshot: str) -> dict[str, str]:
        """The volumes that a snapshot keeps, by the key of their mount point."""
        return {found["Labels"].get(labels.MOUNT, ""): found["Name"] for found in self._of_guest(vmid, snapshot)}

    def keep_only(self, vmid: int, snapshots: frozenset[str]) -> None:
        """Remove the copies of all other snapshots."""
        for volume in self._of_guest(vmid, None):
            if volume["Labels"].get(labels.SNAPSHOT, "") not in snapshots | {""}:
                self._remove(volume["Name"])

    def copy(self, vmid: int, known: Mapping[str, str]) -> None:
        """Give volumes of a container the content of Docker volumes; ``known`` has these by PVE's volume id."""
        for source in known:
            self._have(vmid, self._names.volume(source))
        self._tools.copy([Pair("volume", name, self._names.volume(source)) for source, name in known.items()])

    def exists(self, vmid: int, source: str) -> bool:
        """Whether a volume has been made: one that waits for the next start has not."""
        return any(volume["Name"] == self._names.volume(source) for volume in self._of_guest(vmid, None))

    def fill(self, spec: GuestSpec, image: str) -> None:
        """Give new volumes what the image of an archive has in their places, and rid it of what vzdump has put in."""
        mounts = _volumes(spec.mounts)
        for mount in mounts:
            self._have(spec.vmid, self._names.volume(mount.source))
        inside = [Mount(f"/to/{n}", self._names.volume(m.source), type="volume") for n, m in enumerate(mounts)]
        driver = self._api.inspect_image(image).get("GraphDriver") or {}
        content = (driver.get("Data") or {}).get("UpperDir")
        if content:
            mounted = Mount("/image", content, type="bind")
            self._tools.run(_FILL, [mount.target for mount in mounts], [mounted, *inside])
        elif mounts:
            raise GuestError("this engine's storage driver shows no layers: volumes cannot be filled from an archive")

    def bring_back(self, vmid: int, snapshot: str, mounts: Iterable[GuestMount]) -> None:
        """Make the volumes what they were; one that the snapshot does not know stays as it is."""
        kept = {volume["Name"] for volume in self._of_guest(vmid, snapshot)}
        known = {mount.source: self._names.volume(mount.source, snapshot) for mount in _volumes(mounts)}
        self.copy(vmid, {source: name for source, name in known.items() if name in kept})

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


def _silent(_line: str) -> None:
    """For work that has no task log."""


def _volumes(mounts: Iterable[GuestMount]) -> list[GuestMount]:
    return [mount for mount in mounts if mount.kind == "volume"]
