"""Starting and stopping all containers of the node, in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from harness.embedded.node import guest_power, recovery
from harness.embedded.node.formats import split_list
from harness.embedded.node.guest_config import Guest
from harness.embedded.node.guests import check_lock
from harness.embedded.node.routing import Call, route
from harness.embedded.node.tasks import Task
from harness.kit.errors import HarnessError


def _wanted(call: Call) -> list[Guest]:
    """The containers that are named, or all; raises 403 unless the caller may switch each of them."""
    named = {int(text) for text in split_list(call.get("vms") or "")}
    if not call.may("/", "VM.PowerMgmt"):
        for path in [f"/vms/{vmid}" for vmid in sorted(named)] or ["/"]:
            call.permissions.require(call.user, path, ["VM.PowerMgmt"])
    return [guest for guest in call.node.guests.all() if not named or guest.vmid in named]


def _each(guests: Iterable[Guest], verb: str, do: Callable[[Guest], None], task: Task) -> None:
    """One after another; one that fails is warned about, and the others are still done."""
    for guest in guests:
        task.log(f"{verb} CT {guest.vmid}")
        try:
            do(guest)
        except HarnessError as error:
            task.warn(f"CT {guest.vmid}: {error}")


@route("POST", "/nodes/{node}/startall")
def start_all(call: Call) -> str:
    """Start what starts on boot, or with ``force`` everything."""
    node, force, wanted = call.node, call.flag("force"), _wanted(call)

    def begin(guest: Guest, task: Task) -> None:
        with node.guests.locked(guest.vmid, task.log):
            check_lock(node.guests.load(guest.vmid))
            guest_power.start_now(node, guest.vmid, task.log)

    def work(task: Task) -> None:
        stopped = [g for g in wanted if not g.is_template and not node.is_running(g.vmid)]
        chosen = [g for g in stopped if force or g.config.get("onboot") == "1"]
        _each(sorted(chosen, key=recovery.boot_order), "Starting", lambda guest: begin(guest, task), task)

    return node.tasks.start("startall", "", call.user, work)


@route("POST", "/nodes/{node}/suspendall")
def suspend_all(call: Call) -> str:
    """Virtual machines only; there are none."""
    _wanted(call)
    return call.node.tasks.start("suspendall", "", call.user, lambda task: task.append("nothing to suspend"))


@route("POST", "/nodes/{node}/stopall")
def stop_all(call: Call) -> str:
    """Shut everything down, in the opposite order."""
    node, timeout = call.node, call.number("timeout", 180)
    force, wanted = call.flag("force-stop", default=True), _wanted(call)

    def end(guest: Guest) -> None:
        guest_power.shutdown_now(node, guest.vmid, timeout=timeout, force=force)

    def work(task: Task) -> None:
        running = [guest for guest in wanted if node.is_running(guest.vmid)]
        _each(sorted(running, key=recovery.boot_order, reverse=True), "Stopping", end, task)

    return node.tasks.start("stopall", "", call.user, work)
