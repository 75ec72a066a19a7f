"""A container's file system kept as an image, with everything that a file has.

The engine's own commit leaves out users' attributes, access lists, holes and fractions of seconds. Where its storage
driver shows the layers' directories, the new layer is filled once more from the container's own.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from docker.types import Mount

from harness.embedded.node.docker import files
from harness.embedded.node.docker.names import Names
from harness.embedded.node.docker.reader import layers
from harness.embedded.node.docker.tools import Pair, Tools

MAX_LAYERS = 100
"""Images with more layers are flattened; overlay2 mounts no more than 128."""
_MARK = "run/.commit"
"""Different at every commit: the engine lets equal layers be one. Every container has another directory over it."""
_FLATTEN = """\
set -e
mkdir /whole
mount -t overlay overlay -o "lowerdir=$1" /whole
find /to -mindepth 1 -delete
cp -a /whole/. /to/
"""


class Commits:
    """Keeps the file systems of one node's containers."""

    def __init__(self, api: Any, names: Names, tools: Tools) -> None:
        self._api = api
        self._names = names
        self._tools = tools

    def commit(self, container: str, vmid: int, tag: str, **more: str) -> str:
        """Keep a container that is stopped or paused; the image's tag."""
        repository = self._names.repository(vmid)
        changes = [f"LABEL {key}={value}" for key, value in self._names.labels(vmid, **more).items()]
        mark = files.File(_MARK, secrets.token_hex(16).encode())
        self._api.put_archive(container, "/", files.archive([mark]))
        found = layers(self._api.inspect_container(container))
        kept = f"{repository}:{tag}"
        if self._count(container) < MAX_LAYERS:
            self._api.commit(container, repository=repository, tag=tag, pause=False, changes=changes)
            if found:
                self._tools.copy([Pair("bind", found[0], self._top(kept))])
        else:
            content = self._api.export(container)
            self._api.import_image_from_stream(content, repository=repository, tag=tag, changes=changes)
            if found:
                self._flatten(found, self._top(kept))
        return kept

    def again(self, container: str, vmid: int, tag: str) -> str:
        """An image with the content of the one that ``container`` stands on; the container has never run."""
        repository = self._names.repository(vmid)
        changes = [f"LABEL {key}={value}" for key, value in self._names.labels(vmid).items()]
        self._api.commit(container, repository=repository, tag=tag, pause=False, changes=changes)
        return f"{repository}:{tag}"

    def _top(self, image: str) -> str:
        """The directory of an image's uppermost layer."""
        found: Mapping[str, Any] = self._api.inspect_image(image)
        return str(found["GraphDriver"]["Data"]["UpperDir"])

    def _flatten(self, found: list[str], target: str) -> None:
        mounts = [Mount(f"/layer/{n}", path, type="bind", read_only=True) for n, path in enumerate(found)]
        stacked = ":".join(f"/layer/{n}" for n in range(len(found)))
        self._tools.run(_FLATTEN, [stacked], [*mounts, Mount("/to", target, type="bind")])

    def _count(self, container: str) -> int:
        image = self._api.inspect_container(container)["Image"]
        return len(self._api.inspect_image(image)["RootFS"]["Layers"])
