"""Starting and stopping all containers of the node, in their order."""

from __future__ import annotations

from harness.embedded.node.grammar.formats import split_list
from harness.embedded.node.guest_config import Guest
from harness.embedded.node.operations import guest_order, ha
from harness.embedded.node.routing import Call, route
from harness.embedded.node.tasks import Task


def _wanted(call: Call) -> list[Guest]:
    """The containers that are named, or all that no manager looks after.

    Raises 403 unless the caller may switch each of them.
    """
    named = {int(text) for text in split_list(call.get("vms") or "")}
    if not call.may("/", "VM.PowerMgmt"):
        for path in [f"/vms/{vmid}" for vmid in sorted(named)] or ["/"]:
            call.permissions.require(call.user, path, ["VM.PowerMgmt"])
    node = call.node
    if named:
        return [guest for guest in node.guests.all() if guest.vmid in named]
    return [guest for guest in node.guests.all() if not ha.find(node, guest.vmid)]


@route("POST", "/nodes/{node}/startall")
def start_all(call: Call) -> str:
    """Start what starts on boot, or with ``force`` everything."""
    node, user, wanted = call.node, call.user, _wanted(call)
    if not call.flag("force"):
        wanted = [guest for guest in wanted if guest.config.get("onboot") == "1"]
    return node.tasks.start("startall", "", user, lambda task: guest_order.start_all(node, user, wanted, task))


@route("POST", "/nodes/{node}/suspendall")
def suspend_all(call: Call) -> str:
    """Virtual machines only; there are none."""
    _wanted(call)
    return call.node.tasks.start("suspendall", "", call.user, lambda task: task.append("nothing to suspend"))


@route("POST", "/nodes/{node}/stopall")
def stop_all(call: Call) -> str:
    """Shut everything down, in the opposite order."""
    node, user, wanted = call.node, call.user, _wanted(call)
    timeout, force = call.number("timeout", guest_order.DOWN_SECONDS), call.flag("force-stop", default=True)

    def work(task: Task) -> None:
        guest_order.stop_all(node, user, wanted, task, timeout=timeout, force=force)

    return node.tasks.start("stopall", "", user, work)
