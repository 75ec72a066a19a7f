"""Which containers run and what they use, mostly without asking the engine."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from docker import errors as docker_errors

from harness.embedded.engine import labels
from harness.embedded.node.docker import meter
from harness.embedded.node.docker.names import Names
from harness.embedded.node.docker.sizes import Sizes
from harness.embedded.node.runtime import GuestState
from harness.kit.clock import Clock, SystemClock

STOPPED = GuestState(running=False)
_LIST_AGAIN_SECONDS = 1.0
"""How long a container that was started behind the node's back may go unnoticed."""


class Watch:
    """A running container is read from the kernel's files; one list call a second finds those that nobody told of."""

    def __init__(self, api: Any, names: Names, clock: Clock | None = None) -> None:
        self._api = api
        self._names = names
        self._clock: Clock = clock or SystemClock()
        self._sizes = Sizes(api, names, self._clock)
        self._meters: dict[int, meter.Meter] = {}
        self._known: frozenset[int] = frozenset()
        self._listed = float("-inf")
        self._lock = threading.Lock()

    def state(self, vmid: int) -> GuestState:
        """What one container is doing; a missing one is stopped."""
        state = self._read(vmid)
        if not state.running and self._stale:
            self._list()
            state = self._read(vmid)
        return state

    def states(self) -> dict[int, GuestState]:
        """What all of them are doing."""
        if self._stale:
            self._list()
        return {vmid: self._read(vmid) for vmid in sorted(self._known)}

    def started(self, vmid: int) -> None:
        """Begin to read a container, when it runs."""
        try:
            found = self._api.inspect_container(self._names.container(vmid))
        except docker_errors.NotFound:
            return self.ended(vmid)
        if not found["State"]["Running"]:
            return self.ended(vmid)
        pid = int(found["State"]["Pid"])
        started = datetime.fromisoformat(found["State"]["StartedAt"][:19] + "+00:00").timestamp()
        process = meter.Process(pid, meter.start_ticks(pid) or -1, started)
        with self._lock:
            self._meters[vmid] = meter.Meter(process, found["Id"])
            self._known |= {vmid}
        self._sizes.expire()
        return None

    def ended(self, vmid: int) -> None:
        """Forget what was read of a container."""
        with self._lock:
            self._meters.pop(vmid, None)

    def forget_list(self) -> None:
        """Look at the engine's list before the next answer: containers have come or gone."""
        self._listed = float("-inf")

    @property
    def _stale(self) -> bool:
        return self._clock.monotonic() - self._listed >= _LIST_AGAIN_SECONDS

    def _read(self, vmid: int) -> GuestState:
        found = self._meters.get(vmid)
        state = found.read() if found else STOPPED
        return dataclasses.replace(state, disk_bytes=self._sizes.of(vmid)) if state.running else state

    def _list(self) -> None:
        self._listed = self._clock.monotonic()
        listed = self._api.containers(all=True, filters=labels.of_instance(self._names.instance))
        guests = {int(entry["Labels"][labels.VMID]): entry for entry in listed if self._is_guest(entry)}
        with self._lock:
            self._known = frozenset(guests)
        for vmid, entry in guests.items():
            if entry["State"] == "running" and not self._read(vmid).running:
                self.started(vmid)

    def _is_guest(self, entry: Mapping[str, Any]) -> bool:
        """Whether this is a guest's container in its place: not a passing one."""
        vmid = entry["Labels"].get(labels.VMID)
        return bool(vmid) and entry["Names"][0].lstrip("/") == self._names.container(int(vmid))
