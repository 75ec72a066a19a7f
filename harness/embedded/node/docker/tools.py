"""Work on containers' files by passing containers: their root sees what lies in the engine's own directories.

The programs are GNU's, of a base image of this machine: a container's own may be others, and it may have changed them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from docker.client import DockerClient
from docker.types import Mount

from harness.embedded.engine import image
from harness.embedded.engine.labels import BASE
from harness.embedded.engine.options import ContainerOptions
from harness.embedded.node.docker import cleanup
from harness.embedded.node.docker.names import Names

_RELEASE = "13"
"""The base image that is made when the machine has none."""
_COPY = """\
set -e
number=0
while [ -d /to/$number ]; do
  find /to/$number -mindepth 1 -delete
  cp -a /from/$number/. /to/$number/
  number=$((number + 1))
done
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two directories: names of volumes, or paths on the engine's machine."""

    kind: Literal["volume", "bind"]
    source: str
    target: str


class Tools:
    """Runs scripts in containers that are gone afterwards."""

    def __init__(self, client: DockerClient, names: Names, options: ContainerOptions) -> None:
        self._client = client
        self._api: Any = client.api
        self._names = names
        self._options = options
        self._known = ""

    def image(self) -> str:
        """A base image, with GNU's programs."""
        if not self._known or not image.exists(self._client, self._known):
            self._known = self._present() or image.ensure_base(self._client, _RELEASE, _silent)
        return self._known

    def _present(self) -> str | None:
        found = [tag for entry in self._api.images(filters={"label": [BASE]}) for tag in cleanup.references(entry)]
        return next((tag for tag in sorted(found, reverse=True) if tag.startswith(f"{image.REPOSITORY}:")), None)

    def run(self, script: str, arguments: Sequence[str], mounts: Sequence[Mount]) -> None:
        """Run a shell script to its end; raises ``HarnessError`` with its output when it fails."""
        host = self._api.create_host_config(
            mounts=list(mounts),
            network_mode="none",
            cap_add=["SYS_ADMIN"],  # who may not mount sees none of the attributes that make a layer a layer
            security_opt=list(self._options.security_opt),
            userns_mode=self._options.userns_mode,
        )
        cleanup.run_once(self._api, self.image(), ["sh", "-c", script, "sh", *arguments], host, self._names.instance)

    def beside(self, container: str, command: list[str]) -> str:
        """What a command prints in the network of a running container."""
        host = self._api.create_host_config(network_mode=f"container:{container}")
        return cleanup.run_once(self._api, self.image(), command, host, self._names.instance)

    def copy(self, pairs: Sequence[Pair]) -> None:
        """Replace the content of directories by that of others: owners, times, links, attributes, access lists."""
        if not pairs:
            return
        numbered = list(enumerate(pairs))
        sources = [Mount(f"/from/{n}", pair.source, type=pair.kind, read_only=True) for n, pair in numbered]
        targets = [Mount(f"/to/{n}", pair.target, type=pair.kind) for n, pair in numbered]
        self.run(_COPY, [], [*sources, *targets])


def _silent(_line: str) -> None:
    """For work that has no task log."""
