"""Starting and stopping many containers, each in its place: ``startup: order=,up=,down=``."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from harness.embedded.node.guest_config import Guest
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_power, ha
from harness.embedded.node.tasks import InterruptedTaskError, Task, classify
from harness.kit.errors import HarnessError

_LAST = 1 << 62
"""The place of a container that has none of its own (PVE: LONG_MAX)."""
DOWN_SECONDS = 180
_WAIT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Startup:
    """A container's place. ``up`` is waited for after its start; ``down`` is how long its shutdown may take."""

    order: int = _LAST
    up: int = 0
    down: int | None = None


def startup(guest: Guest) -> Startup:
    """The place that a container's settings give it: ``order=2,up=5``, or the order alone."""
    text = guest.config.get("startup", "")
    found = {name: int(number) for name, number in re.findall(r"(order|up|down)=(\d+)", text)}
    bare = re.match(r"\s*(\d+)", text)
    order = found.get("order", int(bare[1]) if bare else _LAST)
    return Startup(order, found.get("up", 0), found.get("down"))


def on_boot(node: Node) -> list[Guest]:
    """What starts with the node; a manager looks after its own."""
    return [guest for guest in node.guests.all() if guest.config.get("onboot") == "1" and not ha.find(node, guest.vmid)]


def start_all(node: Node, user: str, guests: Iterable[Guest], task: Task) -> None:
    """Start one after another; one that fails is told, and the next is started."""
    chosen = [guest for guest in guests if not guest.is_template]
    for guest in sorted(chosen, key=lambda guest: (startup(guest).order, guest.vmid)):
        if node.is_running(guest.vmid):
            continue
        task.log(f"Starting CT {guest.vmid}")
        status = _ended(node, partial(guest_power.start, node, user, guest.vmid, skiplock=False))
        if classify(status) in ("ok", "warning"):
            _pause(node, startup(guest).up, task)
        else:
            task.log(f"Starting CT {guest.vmid} failed: {status}")


def _ended(node: Node, begin: Callable[[], str]) -> str:
    """How a task ended, or why it could not begin."""
    try:
        upid = begin()
    except HarnessError as error:
        return str(error).strip()
    node.tasks.wait(upid, _WAIT_SECONDS)
    return str(node.tasks.status(upid).get("exitstatus", ""))


def _pause(node: Node, seconds: int, task: Task) -> None:
    if seconds:
        task.log(f"Waiting for {seconds} seconds (startup delay)")
    for _ in range(seconds):
        if task.interrupted.is_set() or task.killed.is_set():
            raise InterruptedTaskError("received interrupt")
        node.clock.sleep(1.0)


def stop_all(node: Node, user: str, guests: Iterable[Guest], task: Task, *, timeout: int, force: bool) -> None:
    """Shut down the last first; those of one place side by side, and the next place when all have ended."""
    places = sorted(guests, key=lambda guest: (startup(guest).order, guest.vmid), reverse=True)

    def stop(guest: Guest) -> None:
        seconds = startup(guest).down
        seconds = timeout if seconds is None else seconds
        if not node.is_running(guest.vmid):
            return
        task.log(f"Stopping CT {guest.vmid} (timeout = {seconds} seconds)")
        _ended(node, partial(guest_power.shutdown, node, user, guest.vmid, timeout=seconds, force=force))

    with ThreadPoolExecutor(os.cpu_count() or 1) as workers:
        for _, members in itertools.groupby(places, key=lambda guest: startup(guest).order):
            for _done in workers.map(stop, list(members)):
                pass
