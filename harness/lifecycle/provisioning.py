"""The *provision* stage: a container that exists, is what it shall be, runs, and answers ssh."""

from __future__ import annotations

from typing import Any, Final

from harness.kit.clock import Deadline
from harness.kit.files import exclusive
from harness.lifecycle import carrying, hostkeys, parameters, stamp
from harness.lifecycle.actuator import TASK_SECONDS, Config
from harness.lifecycle.context import StageContext
from harness.lifecycle.errors import NotOursError
from harness.lifecycle.evidence import Evidence
from harness.lifecycle.plan import Action
from harness.pve import templates, values
from harness.remote import keys

_GONE_LIBRARY: Final = "container"
"""The field by which a plan says that the container was another library's, which is gone."""


def provision(context: StageContext) -> Evidence:
    """Create or change the container, start it, wait until ssh answers.

    Picks up what an earlier run began: its tasks are waited for, a container with our stamp is not made again.
    """
    actuator = context.actuator
    actuator.settle()
    if context.entry.action is Action.REPLACE:
        remove_replaced(context)
    config = actuator.config()
    changed = create(context) if config is None else change(context)
    if not actuator.running():
        actuator.start()
        changed.append("started")
    connection = context.early_connection()
    container = context.container
    facts = {"vmid": container.vmid, "node": actuator.node, "address": str(container.address.ip)}
    return context.evidence(tuple(changed), {**facts, "login": connection.user})


def create(context: StageContext) -> list[str]:
    """Make it, stamped from its first moment, with a key of its own."""
    container, workspace = context.container, context.workspace
    pair = keys.ensure_key(workspace.share.keys, container.vmid)
    keys.forget_host(workspace.share.known_hosts, str(container.address.ip))
    template = _template(context)
    context.note(f"creating from {template}")
    description = stamp.render(context.stamp())
    wanted = parameters.creation(container, template=template, public_key=pair.public, description=description)
    result = context.actuator.create(wanted)
    if result.warnings:
        context.note(f"PVE warned: {'; '.join(line for line in result.log if 'WARN' in line.upper())}")
    return ["created"]


def _template(context: StageContext) -> str:
    """The template's volume id; the containers of a run fetch a missing one once, not each for itself."""
    workspace = context.workspace
    with exclusive(workspace.share.path / ".template.lock"):
        return templates.ensure(
            workspace.pve,
            context.entry.node,
            workspace.settings.proxmox.storage,
            context.container.ostemplate,
            deadline=Deadline(TASK_SECONDS, workspace.pve.clock),
            on_log=context.note,
        )


def change(context: StageContext) -> list[str]:
    """Write what differs, grow what has to grow, restart when PVE says that something waits for it."""
    actuator, container = context.actuator, context.container
    config = actuator.owned(context.names)
    update = parameters.update(container, config)
    description = context.unprove(config)
    settings = {**update.settings, **({"description": description} if description is not None else {})}
    changed = [*update.settings, *update.delete]
    if settings or update.delete:
        actuator.write(settings, context.digest(config), update.delete)
        context.note(f"changed {', '.join(changed)}" if changed else "no longer counts as verified")
    for resize in update.resizes:
        actuator.resize(resize)
        changed.append(f"{resize.key} size")
    if "net0" in update.settings:
        _follow_address(context, config)
    if changed and actuator.running() and actuator.pending():
        actuator.stop()
    return changed


def _follow_address(context: StageContext, before: Config) -> None:
    old = values.parse_properties(str(before.get("net0", ""))).get("ip", "").partition("/")[0]
    context.workspace.connections.drop(context.container.vmid)
    hostkeys.follow(context.workspace.share.known_hosts, old, str(context.container.address.ip))


def remove_replaced(context: StageContext) -> None:
    """Delete what the new container takes the place of: itself under this VMID or another, or a vanished library's."""
    fields = {change.field: change.old for change in context.entry.changes}
    moved_from = fields.get("vmid")
    vmid = int(moved_from) if moved_from else context.container.vmid
    names = context.names | frozenset(filter(None, [fields.get(_GONE_LIBRARY)]))
    actuator = context.at(_node_of(context, vmid), vmid)
    if actuator.config() is not None:
        carrying.save(context)
        planned = None if moved_from else context.entry.digest
        remove(context, actuator.owned(names), vmid, planned)


def _node_of(context: StageContext, vmid: int) -> str:
    """The node that has it now: a plan names the node where the new one goes."""
    rows: list[dict[str, Any]] = context.workspace.pve.get("cluster/resources", type="vm") or []
    return next((str(row["node"]) for row in rows if int(row.get("vmid", 0)) == vmid), context.entry.node)


def remove(context: StageContext, config: Config, vmid: int, planned: str | None = None) -> None:
    """Delete a container of ours and what we knew of it.

    Provided that it is still the one we looked at (``planned``: the plan's digest of it): deleting takes no digest,
    so a write that changes nothing goes before it.
    """
    address = values.parse_properties(str(config.get("net0", ""))).get("ip", "").partition("/")[0]
    actuator = context.at(_node_of(context, vmid), vmid)
    description = str(config.get("description", ""))
    actuator.write({"description": f"{description.rstrip()}\n"}, planned or config.get("digest"))
    context.workspace.connections.drop(vmid)
    actuator.destroy()
    if address:
        keys.forget_host(context.workspace.share.known_hosts, address)


def destroy(context: StageContext) -> Evidence:
    """Delete the container, when it is ours; nothing happens when it is not there."""
    config = context.actuator.config()
    if config is None:
        return context.evidence((), {})
    remove(context, context.actuator.owned(context.names), context.container.vmid)
    return context.evidence(("deleted",), {"vmid": context.container.vmid})


def holds(context: StageContext) -> str | None:
    """What is missing of a provisioned container; None when nothing is."""
    try:
        config = context.actuator.owned(context.names)
    except NotOursError as error:
        return error.message
    update = parameters.update(context.container, config)
    if update:
        keys_open = [*update.settings, *update.delete, *(resize.key for resize in update.resizes)]
        return f"{', '.join(keys_open)} differ from the repository"
    return None if context.actuator.running() else "it does not run"
