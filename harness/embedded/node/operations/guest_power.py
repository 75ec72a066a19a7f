"""Starting, stopping, shutting down and rebooting: what is refused at once, and what the tasks do."""

from __future__ import annotations

from collections.abc import Callable

from harness.embedded.node.errors import bad_parameters, failure
from harness.embedded.node.guests import check_lock
from harness.embedded.node.node import Node
from harness.embedded.node.operations import guest_spec, guest_update
from harness.embedded.node.permissions import ROOT
from harness.embedded.node.runtime import GuestError
from harness.embedded.node.tasks import Task

Log = Callable[[str], None]
SHUTDOWN_SECONDS = 60


def check_skiplock(user: str, skiplock: bool) -> None:
    """Raise PVE's 400 when somebody else than root@pam wants locks ignored."""
    if skiplock and user != ROOT:
        raise bad_parameters(skiplock="Only root may use this option.")


def need_running(node: Node, vmid: int, noun: str = "CT") -> None:
    """Raise PVE's 500 unless the container runs; a missing one does not."""
    if not node.is_running(vmid):
        raise failure(f"{noun} {vmid} not running")


def start(node: Node, user: str, vmid: int, *, skiplock: bool) -> str:
    """Start the task ``vzstart``."""
    check_skiplock(user, skiplock)
    if node.is_running(vmid):
        raise failure(f"CT {vmid} already running")

    def work(task: Task) -> None:
        with node.guests.locked(vmid, task.log):
            _check_lock(node, vmid, skiplock=skiplock)
            start_now(node, vmid, task.log)

    return node.tasks.start("vzstart", vmid, user, work)


def _pass_lock(node: Node, vmid: int, task: Task, *, skiplock: bool = False) -> None:
    """Wait for a change that is being made; stopping itself holds nobody up."""
    with node.guests.locked(vmid, task.log):
        _check_lock(node, vmid, skiplock=skiplock)


def _check_lock(node: Node, vmid: int, *, skiplock: bool) -> None:
    """A mounted container may be started and stopped; the other locks forbid it."""
    guest = node.guests.load(vmid)
    if not skiplock and guest.lock != "mounted":
        check_lock(guest)


def start_now(node: Node, vmid: int, log: Log) -> None:
    """Apply what is pending and start."""
    guest = node.guests.load(vmid)
    if guest.is_template:
        raise failure("you can't start a CT if it's a template")
    _check_volumes(node, vmid)
    _check_bridges(node, vmid)
    if guest.pending or guest.removals:
        guest, errors = guest_update.apply_pending(node, guest)
        for key, text in errors.items():
            log(f"unable to apply pending change {key} : {text}")
    changed = frozenset(guest.config)
    node.runtime.update(guest_spec.build(node, vmid, guest.config), changed)
    node.runtime.start(vmid, log)


def _check_volumes(node: Node, vmid: int) -> None:
    guest = node.guests.load(vmid)
    rootfs = guest.config.get("rootfs", "").partition(",")[0]
    if rootfs and not rootfs.startswith("/") and rootfs not in node.storages.volumes:
        raise failure(f"volume '{rootfs}' does not exist")


def _check_bridges(node: Node, vmid: int) -> None:
    known = {bridge.name for bridge in node.options.bridges} or {"vmbr0"}
    for net in guest_spec.nets(node, node.guests.load(vmid).config):
        if net.bridge and net.bridge not in known:
            raise failure(f"startup for container '{vmid}' failed")


def stop(node: Node, user: str, vmid: int, *, skiplock: bool) -> str:
    """Start the task ``vzstop``."""
    check_skiplock(user, skiplock)
    need_running(node, vmid)

    def work(task: Task) -> None:
        _pass_lock(node, vmid, task, skiplock=skiplock)
        node.runtime.stop(vmid)

    return node.tasks.start("vzstop", vmid, user, work)


def shutdown(node: Node, user: str, vmid: int, *, timeout: float, force: bool) -> str:
    """Start the task ``vzshutdown``."""
    need_running(node, vmid)

    def work(task: Task) -> None:
        _pass_lock(node, vmid, task)
        shutdown_now(node, vmid, timeout=timeout, force=force)

    return node.tasks.start("vzshutdown", vmid, user, work)


def shutdown_now(node: Node, vmid: int, *, timeout: float, force: bool) -> None:
    """Shut down; kill afterwards when ``force``. Raises when it still runs."""
    try:
        node.runtime.shutdown(vmid, timeout)
    except GuestError as late:
        if not force:
            raise failure("container did not stop") from late
        node.runtime.stop(vmid)


def reboot(node: Node, user: str, vmid: int, *, timeout: float) -> str:
    """Start the task ``vzreboot``."""
    need_running(node, vmid, "VM")

    def work(task: Task) -> None:
        _pass_lock(node, vmid, task)
        shutdown_now(node, vmid, timeout=timeout, force=True)
        with node.guests.locked(vmid, task.log):
            start_now(node, vmid, task.log)

    return node.tasks.start("vzreboot", vmid, user, work)


def suspend(node: Node, user: str, vmid: int) -> str:
    """Start the task ``vzsuspend``, which fails: checkpointing is not part of this node."""
    need_running(node, vmid)

    def work(task: Task) -> None:
        task.log("checkpointing is not available on this node")
        raise failure(f"command 'lxc-checkpoint -n {vmid} -s -D /var/lib/vz/dump' failed: exit code 1")

    return node.tasks.start("vzsuspend", vmid, user, work)


def resume(node: Node, user: str, vmid: int) -> str:
    """Start the task ``vzresume``, which fails: there is never a checkpoint."""
    if node.is_running(vmid):
        raise failure(f"CT {vmid} already running")

    def work(task: Task) -> None:
        task.log("checkpointing is not available on this node")
        raise failure(f"command 'lxc-checkpoint -n {vmid} -r --foreground -D /var/lib/vz/dump' failed: exit code 1")

    return node.tasks.start("vzresume", vmid, user, work)
