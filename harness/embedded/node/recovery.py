"""What a node does at its start: half-made containers go, named templates are fetched, ``onboot`` is kept."""

from __future__ import annotations

import logging

from harness.embedded.node import leftovers
from harness.embedded.node.guest_config import Guest
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_disks, guest_order, guest_spec, ha
from harness.embedded.node.permissions import ROOT
from harness.embedded.node.routes.templates import note_template
from harness.embedded.node.runtime import MendingRuntime

_log = logging.getLogger(__name__)


def mend(node: Node) -> None:
    """Remove containers whose creation was cut off, free the others; fetch the templates that the options name."""
    leftovers.settle_all(node)
    for guest in node.guests.interrupted():
        if node.guests.is_half_made(guest.vmid):
            _remove_half_made(node, guest)
        else:
            _log.warning("container %s: %s was cut off, its lock is taken off", guest.vmid, guest.lock)
            if isinstance(node.runtime, MendingRuntime):
                node.runtime.mend(guest.vmid, frozenset(guest.snapshots))
            guest_disks.release(node, guest.vmid, keep=guest_disks.named(node, guest))
            node.guests.end(guest)
    for name in node.options.templates:
        _fetch(node, name)


def _remove_half_made(node: Node, guest: Guest) -> None:
    _log.warning("container %s was being created when the node died: removed", guest.vmid)
    node.runtime.delete(guest.vmid)
    guest_disks.release(node, guest.vmid)
    node.store.table(guest_spec.IMAGE_TABLE).delete(str(guest.vmid))
    node.guests.remove(guest.vmid)


def _fetch(node: Node, name: str) -> None:
    storage = next((s for s in node.storages.all() if "vztmpl" in s.content), None)
    if storage and node.runtime.resolve_template(name) is None:
        node.runtime.fetch_template(name, _log.info)
    if storage and f"{storage.name}:vztmpl/{name}" not in node.storages.volumes:
        note_template(node, storage.name, name)


def start_on_boot(node: Node) -> None:
    """Start what starts with the node, each in its place, in a task; and what a manager is to keep running."""
    wanted = guest_order.on_boot(node)
    if wanted:
        node.tasks.start("startall", "", ROOT, lambda task: guest_order.start_all(node, ROOT, wanted, task))
    for guest in node.guests.all():
        managed = ha.find(node, guest.vmid)
        if managed and managed["state"] == "started" and not node.is_running(guest.vmid):
            ha.request(node, ROOT, guest.vmid, "started")
