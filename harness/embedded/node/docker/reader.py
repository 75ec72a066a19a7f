"""A container's file system as a tar with everything: owners, hard links, extended attributes, access lists.

Docker's own export and commit leave user attributes and access lists out, so a passing container lays the layers of
the file system over each other once more, read-only, and tar reads the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from docker.types import LogConfig, Mount
from docker.utils import socket

from harness.embedded.engine import labels
from harness.embedded.engine.options import ContainerOptions
from harness.embedded.node.docker import cleanup, files
from harness.embedded.node.docker.names import Names
from harness.embedded.node.docker.tools import Tools
from harness.embedded.node.runtime import GuestError, Log

_SCRIPT = """\
set -e
mkdir -p /scratch /whole
mount -t tmpfs tmpfs /scratch
mkdir /scratch/upper /scratch/work
mount -t overlay overlay -o "lowerdir=$1,upperdir=/scratch/upper,workdir=/scratch/work" /whole
shift
while [ "$1" != -- ]; do
  mkdir -p "/whole$2"
  mount --bind "$1" "/whole$2"
  shift 2
done
shift
exec tar "$@" -C /config ./etc/vzdump/pct.conf -C /whole .
"""
_TAR = (
    *("--create", "--file=-", "--format=posix", "--totals", "--sparse", "--numeric-owner", "--acls", "--xattrs"),
    *("--xattrs-include=*", "--warning=no-file-ignored", "--anchored"),
)
# What vzdump(1) leaves out by default (--stdexcludes), what a kernel fills, and Docker's own mark.
_LEFT_OUT = (
    "./tmp/?*",
    "./var/tmp/?*",
    "./var/run/?*.pid",
    "./run/?*",
    "./dev/*",
    "./proc/*",
    "./sys/*",
    "./.dockerenv",
)


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of a container: its Docker name, where it is mounted, and whether its content belongs to an archive."""

    name: str
    target: str
    included: bool


def layers(container: Mapping[str, Any]) -> list[str] | None:
    """The directories of a container's file system, the uppermost first; None where the engine does not tell."""
    driver = container.get("GraphDriver") or {}
    data = driver.get("Data") or {}
    if driver.get("Name") != "overlay2" or not {"UpperDir", "LowerDir"} <= set(data):
        return None
    return [data["UpperDir"], *data["LowerDir"].split(":")]


def arguments(count: int, volumes: Sequence[Volume]) -> list[str]:
    """The script's arguments: layers, volumes to put in, then tar's own."""
    stacked = ":".join(f"/layer/{number}" for number in range(count))
    inside = [part for number, volume in _included(volumes) for part in (f"/volume/{number}", volume.target)]
    outside = [f".{volume.target.rstrip('/')}/*" for volume in volumes if not volume.included]
    return [stacked, *inside, "--", *_TAR, *(f"--exclude={pattern}" for pattern in (*_LEFT_OUT, *outside))]


def _included(volumes: Sequence[Volume]) -> Iterator[tuple[int, Volume]]:
    return ((number, volume) for number, volume in enumerate(volumes) if volume.included)


class Reader:
    """Reads the file systems of one node's containers."""

    def __init__(self, api: Any, names: Names, options: ContainerOptions, tools: Tools) -> None:
        self._api = api
        self._names = names
        self._options = options
        self._tools = tools

    def write(
        self, container: Mapping[str, Any], volumes: Sequence[Volume], config: str, out: IO[bytes], log: Log
    ) -> None:
        """Write a tar of a stopped or paused container to ``out``, ``config`` its first file as in vzdump's.

        Raises ``GuestError`` with tar's last words when it fails.
        """
        found = layers(container)
        if found is None:
            log("this engine's storage driver shows no layers: extended attributes and access lists are left out")
            for chunk in self._api.export(container["Id"]):
                out.write(chunk)
            return
        made = self._make(found, volumes)
        try:
            first = files.File("config/etc/vzdump/pct.conf", config.encode())
            self._api.put_archive(made, "/", files.archive([first]))
            self._copy(made, out, log)
        finally:
            cleanup.remove_container(self._api, made)

    def _make(self, found: Sequence[str], volumes: Sequence[Volume]) -> str:
        mounts = [Mount(f"/layer/{n}", path, type="bind", read_only=True) for n, path in enumerate(found)]
        inside = [
            Mount(f"/volume/{n}", volume.name, type="volume", read_only=True, no_copy=True)
            for n, volume in _included(volumes)
        ]
        host = self._api.create_host_config(
            mounts=[*mounts, *inside],
            network_mode="none",
            cap_add=["SYS_ADMIN"],
            security_opt=list(self._options.security_opt),
            userns_mode=self._options.userns_mode,
            log_config=LogConfig(type="none"),  # the archive must not be kept a second time as the container's log
        )
        command = ["sh", "-c", _SCRIPT, "sh", *arguments(len(found), volumes)]
        marks = {labels.INSTANCE: self._names.instance}
        made: str = self._api.create_container(
            self._tools.image(), command, entrypoint=[], host_config=host, labels=marks
        )["Id"]
        return made

    def _copy(self, made: str, out: IO[bytes], log: Log) -> None:
        with self._attached(made) as output:
            self._api.start(made)
            said = _pump(output, out)
        code = self._api.wait(made)["StatusCode"]
        if code != 0:
            raise GuestError(f"tar ended with {code}: {said[-1] if said else 'no output'}", detail="\n".join(said))
        for line in said:
            log(line)

    @contextmanager
    def _attached(self, made: str) -> Iterator[Iterable[tuple[int, bytes]]]:
        """What a container is going to print, as (stream, bytes); the connection is closed at the end."""
        stream = self._api.attach_socket(made, params={"stdout": 1, "stderr": 1, "stream": 1})
        try:
            yield socket.frames_iter(stream, tty=False)  # type: ignore[no-untyped-call]
        finally:
            # The library hangs the answer there and closes nothing; the answer owns stream and connection.
            getattr(stream, "_response", stream).close()


def _pump(output: Iterable[tuple[int, bytes]], out: IO[bytes]) -> list[str]:
    """Write what came on standard output; returns the lines of standard error."""
    said = b""
    for stream, data in output:
        if stream == socket.STDOUT:
            out.write(data)
        else:
            said += data
    return said.decode(errors="replace").strip().splitlines()
