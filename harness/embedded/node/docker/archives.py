"""Containers written to archives and made from them again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from harness.embedded.node.docker import compression
from harness.embedded.node.docker.containers import RESTORED, Containers
from harness.embedded.node.docker.names import Names
from harness.embedded.node.docker.reader import Reader, Volume
from harness.embedded.node.runtime import ArchiveError, GuestMount, GuestSpec, Log
from harness.kit.files import private_directory

_CHUNK = 1 << 20


class Archives:
    """Writes and reads archives; an unfinished one lies in ``parts``, which is emptied at every start."""

    def __init__(self, api: Any, names: Names, reader: Reader, parts: Path) -> None:
        self._api = api
        self._names = names
        self._reader = reader
        self._parts = private_directory(parts)

    def tidy(self) -> None:
        """Remove what a killed node was writing."""
        for file in self._parts.iterdir():
            file.unlink()

    def write(self, container: Mapping[str, Any], spec: GuestSpec, path: Path, log: Log) -> int:
        """Write a stopped or paused container; returns the archive's bytes. It appears under its name when complete."""
        part = self._parts / path.name
        volumes = [self._volume(mount) for mount in spec.mounts]
        try:
            part.touch(mode=0o600)
            with compression.writing(part, path) as out:
                self._reader.write(container, volumes, out, log)
            path.parent.mkdir(parents=True, exist_ok=True)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return path.stat().st_size

    def _volume(self, mount: GuestMount) -> Volume:
        included = mount.kind == "volume" and mount.backup
        return Volume(self._names.volume(mount.source), mount.target, included)

    def load(self, spec: GuestSpec, path: Path, containers: Containers) -> str:
        """An image of an archive's content, for one container; its tag. Raises ``ArchiveError`` for a broken one."""
        if not path.is_file():
            raise ArchiveError("exit code 2")
        changes = [f"LABEL {key}={value}" for key, value in self._names.labels(spec.vmid).items()]
        repository = self._names.repository(spec.vmid)
        try:
            with compression.reading(path) as plain:
                answer = self._api.import_image_from_stream(
                    _chunks(plain), repository=repository, tag=RESTORED, changes=changes
                )
        except BaseException:
            containers.prune(spec.vmid)
            raise
        _check(answer)
        return f"{repository}:{RESTORED}"


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def _check(answer: str) -> None:
    """Raise for an import that went wrong after the engine had begun to answer with lines of JSON."""
    lines: Sequence[str] = answer.splitlines()
    if any("error" in json.loads(line) for line in lines if line.startswith("{")):
        raise ArchiveError("exit code 2")
