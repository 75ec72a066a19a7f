"""Statistics over time: samples of the node and of each container once a minute, kept in memory for a day.

Longer time frames are averages of what there is; PVE keeps them for years, this node since its start.
"""

from __future__ import annotations

import collections
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.embedded.node import guest_status, host_facts, storage_status
from harness.embedded.node.guests import Guests
from harness.embedded.node.runtime import Runtime
from harness.embedded.node.storages import Storages

STEP = 60
_KEPT = 1440
_FRAMES = {"hour": (60, 70), "day": (1800, 70), "week": (10800, 70), "month": (43200, 70)}
_LONG = {"year": (604800, 53), "decade": (604800, 530)}
_GUEST_KEYS = ("cpu", "mem", "maxmem", "disk", "maxdisk", "netin", "netout", "diskread", "diskwrite")
Sample = Mapping[str, float]


class Samples:
    """The samples of one node."""

    def __init__(self, runtime: Runtime, storages: Storages, guests: Guests, stopping: threading.Event) -> None:
        self._runtime, self._storages, self._guests = runtime, storages, guests
        self._stopping = stopping
        self._series: dict[str, collections.deque[Sample]] = {}

    def run(self) -> None:
        """Take samples until the node stops."""
        while not self._stopping.wait(STEP):
            self.take(int(time.time()))

    def start(self) -> None:
        """Take samples in the background."""
        threading.Thread(target=self.run, name="samples", daemon=True).start()

    def take(self, now: int) -> None:
        """Add one sample of everything."""
        self._add("node", now, _node_sample())
        for storage in self._storages.all():
            total, used, _ = storage_status.space(self._storages, storage)
            self._add(f"storage/{storage.name}", now, {"total": float(total), "used": float(used)})
        states = self._runtime.states()
        for guest in self._guests.all():
            shown = guest_status.status(guest, states.get(guest.vmid, guest_status.STOPPED))
            sample = {key: float(shown[key]) for key in _GUEST_KEYS}
            self._add(str(guest.vmid), now, {**sample, "maxcpu": float(shown["cpus"])})

    def _add(self, name: str, now: int, sample: Sample) -> None:
        series = self._series.setdefault(name, collections.deque(maxlen=_KEPT))
        series.append({**sample, "time": now // STEP * STEP})

    def series(self, name: str, frame: str, combine: str, now: int) -> list[dict[str, float]]:
        """Points of a time frame, oldest first; a point without samples has its time only."""
        step, count = {**_FRAMES, **_LONG}[frame]
        last = now // step * step
        known = list(self._series.get(name, ()))
        reduce: Callable[[Sequence[float]], float] = max if combine == "MAX" else _mean
        starts = range(last - (count - 1) * step, last + 1, step)
        return [_point(start, [s for s in known if start <= s["time"] < start + step], reduce) for start in starts]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _point(start: int, samples: Sequence[Sample], reduce: Callable[[Sequence[float]], float]) -> dict[str, float]:
    keys = [key for key in samples[0] if key != "time"] if samples else []
    return {"time": start, **{key: reduce([sample[key] for sample in samples]) for key in keys}}


def _node_sample() -> dict[str, float]:
    facts: Mapping[str, Any] = host_facts.status()
    memory, disk, swap = facts["memory"], facts["rootfs"], facts["swap"]
    return {
        "cpu": float(facts["cpu"]),
        "maxcpu": float(facts["cpuinfo"]["cpus"]),
        "loadavg": float(facts["loadavg"][0]),
        "iowait": 0.0,
        "arcsize": 0.0,
        "memtotal": float(memory["total"]),
        "memused": float(memory["used"]),
        "memavailable": float(memory["available"]),
        "swaptotal": float(swap["total"]),
        "swapused": float(swap["used"]),
        "roottotal": float(disk["total"]),
        "rootused": float(disk["used"]),
        "netin": 0.0,
        "netout": 0.0,
    }
