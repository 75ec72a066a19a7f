"""Gathers what a plan is made from, and makes it."""

from __future__ import annotations

from collections.abc import Iterable

from harness.lifecycle import hostkeys, judge, whereabouts
from harness.lifecycle.judge import Question
from harness.lifecycle.observe import Observation, observe
from harness.lifecycle.plan import Plan
from harness.lifecycle.revision import Revision
from harness.lifecycle.workspace import Workspace
from harness.pve import privileges, values


def build(
    workspace: Workspace,
    names: Iterable[str] | None = None,
    *,
    allow_replace: Iterable[str] = (),
    control_plane: bool = False,
    observation: Observation | None = None,
) -> Plan:
    """The plan for these containers (None or none: all), from one look at the target; changes nothing there.

    With ``control_plane`` its own container is deployed as well as planned. ``observation`` spares the look where the
    caller has just taken one.
    """
    only = frozenset(names or ()) or None
    seen = observation if observation is not None else observe(workspace.pve, workspace.inventory)
    trust_stamps(workspace, seen)
    return judge.plan_for(
        Question(
            inventory=workspace.inventory,
            observation=seen,
            revisions=revisions(workspace, only),
            monorepo=workspace.monorepo,
            privileges=privileges.read(workspace.pve),
            template_storage=workspace.settings.proxmox.storage,
            target=workspace.target,
            commit=workspace.commit,
            only=only,
            allow_replace=frozenset(allow_replace),
            control_plane=control_plane,
            inside=whereabouts.inside(workspace),
        )
    )


def trust_stamps(workspace: Workspace, seen: Observation) -> None:
    """Know our containers' host keys by their stamps: another machine of ours (a control plane) may have made them."""
    stamped = {
        values.address_of(guest.config or {}): found.host_key
        for guest, found in seen.ours(workspace.monorepo)
        if found.host_key
    }
    hostkeys.trust(workspace.share.known_hosts, {address: key for address, key in stamped.items() if address})


def revisions(workspace: Workspace, only: frozenset[str] | None = None) -> dict[str, Revision]:
    """The revisions of these containers (None: all), by name."""
    source = workspace.revisions
    chosen = [one for one in workspace.inventory.containers if only is None or one.name in only]
    return {container.name: source.of(container) for container in chosen}
