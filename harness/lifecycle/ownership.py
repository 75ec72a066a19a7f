"""Whose container stands under a VMID, and whether we may touch it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from harness.inventory.model import Container, Inventory
from harness.lifecycle.observe import Observation, Seen
from harness.lifecycle.stamp import Stamp


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing may be done, and what a person can do about it."""

    reason: str
    hint: str = ""


def refusal(container: Container, seen: Seen, monorepo: str, names: frozenset[str]) -> Refusal | None:
    """Why the guest under the container's VMID is not ours to touch; None when it is.

    ``names``: every container of the inventory. A container of ours whose library is gone or renamed is ours.
    """
    if seen.kind != "lxc":
        return _foreign(container, f"a virtual machine, {_described(seen)}")
    if seen.creating:
        return None
    return _unfit(container, seen) or _not_ours(container, seen, monorepo) or _another(container, seen, names)


def _unfit(container: Container, seen: Seen) -> Refusal | None:
    """Nothing that could be compared."""
    if seen.lock == "create":
        return Refusal(f"{_described(seen)} is half made and nothing works on it", _remove_by_hand(seen))
    if seen.unreadable:
        return Refusal(f"{_described(seen)} stands there and may not be read: {seen.unreadable}", _other_id(container))
    return _foreign(container, f"a template, {_described(seen)}") if seen.template else None


def _not_ours(container: Container, seen: Seen, monorepo: str) -> Refusal | None:
    """No stamp, or another repository's."""
    stamp = seen.stamp
    if stamp is None or stamp.monorepo != monorepo:
        return _foreign(container, f"{_described(seen)}, {owner(stamp)}")
    return None


def owner(stamp: Stamp | None) -> str:
    """Whose a container is, in words."""
    if stamp is None:
        return "without a stamp of any repository"
    return f"stamped by repository {stamp.monorepo} as {stamp.container}"


def _another(container: Container, seen: Seen, names: frozenset[str]) -> Refusal | None:
    """This repository's, but another container of it."""
    stamp = seen.stamp
    if stamp and stamp.container != container.name and stamp.container in names:
        hint = f"give {container.name} another ID, or remove {stamp.container} first"
        return Refusal(f"{_described(seen)} stands there, which is this repository's {stamp.container}", hint)
    if stamp and stamp.stage != container.stage:
        stage = f"stage {stamp.stage}" if stamp.stage else "no stage"
        return Refusal(f"{_described(seen)} stands there, deployed for {stage}", _other_id(container))
    return None


def forgotten(inventory: Inventory, observation: Observation, monorepo: str) -> tuple[tuple[Seen, Stamp], ...]:
    """Containers of ours whose library is gone, with their stamps.

    A stage's inventory knows the containers of that stage only, so it says nothing of others.
    """
    stage = next((container.stage for container in inventory.containers), None)
    numbers = {container.vmid for container in inventory.containers}
    return tuple(
        (seen, stamp)
        for seen, stamp in observation.ours(monorepo)
        if stamp.container not in inventory.names
        and seen.vmid not in numbers
        and (stage is None or stamp.stage == stage)
    )


def hidden(container: Container, observation: Observation) -> Refusal | None:
    """A guest that the lists do not show but whose VMID is taken."""
    words = observation.hidden.get(container.vmid)
    if words is None:
        return None
    reason = f"VMID {container.vmid} is not free ({words}), and these credentials may not see what has it"
    return Refusal(reason, _other_id(container))


def _foreign(container: Container, what: str) -> Refusal:
    return Refusal(f"VMID {container.vmid} is not ours: {what}", _other_id(container))


def _described(seen: Seen) -> str:
    return f"{seen.vmid} {seen.name or 'without a name'} ({seen.status}, node {seen.node})"


def _other_id(container: Container) -> str:
    origin = container.origins.get("ID")
    return f"give {container.name} another ID" + (f" in {origin}" if origin else "")


def _remove_by_hand(seen: Seen) -> str:
    return f"remove it on the node: pct unlock {seen.vmid} && pct destroy {seen.vmid}"
