"""Containers written to archives and made from them again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.embedded.node import compression
from harness.embedded.node.docker.containers import RESTORED
from harness.embedded.node.docker.imports import Imports
from harness.embedded.node.docker.names import Names
from harness.embedded.node.docker.reader import Reader, Volume
from harness.embedded.node.runtime import GuestMount, GuestSpec, Log
from harness.kit.files import private_directory


class Archives:
    """Writes and reads archives; an unfinished one lies in ``parts``, which is emptied at every start."""

    def __init__(self, names: Names, reader: Reader, imports: Imports, parts: Path) -> None:
        self._names = names
        self._reader = reader
        self._imports = imports
        self._parts = private_directory(parts)

    def tidy(self) -> None:
        """Remove what a killed node was writing."""
        for file in self._parts.iterdir():
            file.unlink()

    def write(self, container: Mapping[str, Any], spec: GuestSpec, config: str, path: Path, log: Log) -> int:
        """Write a stopped or paused container and its configuration; returns the archive's bytes.

        It appears under its name when complete.
        """
        part = self._parts / path.name
        volumes = [self._volume(mount) for mount in spec.mounts]
        try:
            part.touch(mode=0o600)
            with compression.writing(part, path) as out:
                self._reader.write(container, volumes, config, out, log)
            path.parent.mkdir(parents=True, exist_ok=True)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return path.stat().st_size

    def _volume(self, mount: GuestMount) -> Volume:
        included = mount.kind == "volume" and mount.backup
        return Volume(self._names.volume(mount.source), mount.target, included)

    def load(self, spec: GuestSpec, path: Path) -> str:
        """An image of an archive's content, for one container; its tag. Raises ``ArchiveError`` for a broken one."""
        marks = self._names.labels(spec.vmid)
        return self._imports.load(path, self._names.repository(spec.vmid), RESTORED, marks)
