"""What containers' file systems take on disk: counted by the engine, in the background and not often."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import requests
from docker import errors as docker_errors

from harness.embedded.engine import labels
from harness.embedded.node.docker.names import Names
from harness.kit.clock import Clock

AGAIN_SECONDS = 60.0
"""The engine walks through every container's own files; once a minute costs little and is as fresh as the samples."""
_log = logging.getLogger(__name__)


def in_background(work: Callable[[], None]) -> None:
    """Run in a thread that holds nobody up."""
    threading.Thread(target=work, name="sizes", daemon=True).start()


class Sizes:
    """Bytes by VMID, as they were when they were last counted; nobody waits for a count."""

    def __init__(
        self, api: Any, names: Names, clock: Clock, begin: Callable[[Callable[[], None]], None] = in_background
    ) -> None:
        self._api = api
        self._names = names
        self._clock = clock
        self._begin = begin
        self._known: dict[int, int] = {}
        self._counted = float("-inf")
        self._counting = threading.Lock()

    def of(self, vmid: int) -> int:
        """Bytes of a container's root file system, layers below it included; 0 until it was counted once."""
        if self._clock.monotonic() - self._counted >= AGAIN_SECONDS and self._counting.acquire(blocking=False):
            self._counted = self._clock.monotonic()
            self._begin(self._count)
        return self._known.get(vmid, 0)

    def expire(self) -> None:
        """Count before long: a container has come or gone."""
        self._counted = float("-inf")

    def _count(self) -> None:
        try:
            wanted = labels.of_instance(self._names.instance)
            found = self._api.containers(all=True, size=True, filters=wanted)
            self._known = {
                int(entry["Labels"][labels.VMID]): int(entry.get("SizeRootFs") or 0)
                for entry in found
                if labels.VMID in entry["Labels"]
            }
        except (docker_errors.DockerException, requests.exceptions.RequestException) as failed:
            _log.warning("the engine does not say what containers take on disk: %s", failed)
        finally:
            self._counting.release()
