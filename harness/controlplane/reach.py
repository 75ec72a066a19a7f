"""A control plane's files from outside: in local Docker through the engine, elsewhere over ssh."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from harness.embedded.engine.files import File, archive
from harness.remote.connection import Connection

if TYPE_CHECKING:  # loads the engine's client, which nothing inside of a control plane needs
    from harness.embedded.engine.system import Systems


class Reach(Protocol):
    """What a hand-over needs. All of it is done as root."""

    def put(self, files: Iterable[File]) -> None:
        """Lay files and directories in, with their owners and modes."""

    def read(self, path: str) -> bytes | None:
        """One file's content, None when it is not there."""

    def run(self, *command: str) -> None:
        """A command that must succeed."""


class DockerReach:
    """A container of this machine's engine."""

    def __init__(self, systems: Systems, name: str) -> None:
        self._systems = systems
        self._name = name

    def put(self, files: Iterable[File]) -> None:
        self._systems.put(self._name, files)

    def read(self, path: str) -> bytes | None:
        return next(iter(self._systems.read(self._name, path).values()), None)

    def run(self, *command: str) -> None:
        self._systems.execute(self._name, list(command))


class SshReach:
    """A container that the base role has been to."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, files: Iterable[File]) -> None:
        unpack = "tar -x -f - -C / --numeric-owner --preserve-permissions --same-owner"
        self._connection.run(unpack, sudo=True, stdin=archive(files), timeout=300)

    def read(self, path: str) -> bytes | None:
        done = self._connection.run(f"cat {shlex.quote(path)}", sudo=True, timeout=60, check=False)
        return done.stdout if done.code == 0 else None

    def run(self, *command: str) -> None:
        self._connection.run(shlex.join(command), sudo=True, timeout=120)
