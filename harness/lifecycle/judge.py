"""From what shall be and what is, what would be done to each container, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from harness.config.settings import EMBEDDED
from harness.inventory.model import Container, Inventory
from harness.lifecycle import compare, desired, ownership
from harness.lifecycle.observe import RUNNING, Observation, Seen
from harness.lifecycle.ownership import Refusal
from harness.lifecycle.plan import Action, ContainerPlan, Effect, FieldChange, LeftAlone, Plan
from harness.lifecycle.revision import PARTS, SPECS, Revision, differing
from harness.lifecycle.stamp import Stamp
from harness.pve import privileges
from harness.pve.privileges import Privileges

_OF_EFFECT: Final = {Effect.HOT: Action.CHANGE, Effect.RESTART: Action.RESTART, Effect.REPLACE: Action.REPLACE}
_Standing = Mapping[tuple[str, str | None], Seen]
_MAKES: Final = frozenset({Action.CREATE, Action.REPLACE})


@dataclass(frozen=True, slots=True)
class Question:
    """Everything a plan depends on."""

    inventory: Inventory
    observation: Observation
    revisions: Mapping[str, Revision]
    monorepo: str
    privileges: Privileges
    template_storage: str = "local"
    target: str = "embedded"
    commit: str | None = None
    only: frozenset[str] | None = None
    """Names to plan for; None: all."""
    allow_replace: frozenset[str] = frozenset()

    control_plane: bool = False
    """Whether the control plane's own container is deployed as well as planned."""
    inside: bool = False
    """Whether the plan is carried out in that very container."""

    def takes_part(self, name: str) -> bool:
        """Whether the plan is for this container."""
        return self.only is None or name in self.only


@dataclass(frozen=True, slots=True)
class _Verdict:
    action: Action
    reason: str
    changes: tuple[FieldChange, ...] = ()
    hint: str = ""


def plan_for(question: Question) -> Plan:
    """The plan, in deployment order."""
    chosen = [container for container in question.inventory.containers if question.takes_part(container.name)]
    standing = _standing(question)
    entries = tuple(_entry(container, standing, question) for container in chosen)
    return Plan(question.target, question.monorepo, question.commit, entries, _left(question))


def _left(question: Question) -> tuple[LeftAlone, ...]:
    """Containers of ours that nothing describes any more; a plan of some containers does not speak of others."""
    if not all(map(question.takes_part, question.inventory.names)):
        return ()
    found = ownership.forgotten(question.inventory, question.observation, question.monorepo)
    return tuple(
        LeftAlone(stamp.container, seen.vmid, seen.node, seen.status, _removal(seen, question.target))
        for seen, stamp in found
    )


def _removal(seen: Seen, target: str) -> str:
    """The command for the node's shell; the embedded node has none."""
    if target == EMBEDDED:
        return ""
    stop = f"pct shutdown {seen.vmid} && " if seen.status == RUNNING else ""
    return f"to remove it with its data, on {seen.node}: {stop}pct destroy {seen.vmid} --purge"


def _standing(question: Question) -> _Standing:
    """Where each container of this repository stands, by name and stage."""
    return {(stamp.container, stamp.stage): seen for seen, stamp in question.observation.ours(question.monorepo)}


def _entry(container: Container, standing: _Standing, question: Question) -> ContainerPlan:
    seen = question.observation.guests.get(container.vmid)
    verdict = _survivable(container, _judge(container, seen, standing, question), question)
    verdict = _permitted(container, verdict, question)
    return ContainerPlan(
        name=container.name,
        vmid=container.vmid,
        node=_node(container, seen, verdict.action),
        hostname=container.hostname,
        address=str(container.address),
        action=verdict.action,
        reason=verdict.reason,
        changes=verdict.changes,
        revision=question.revisions[container.name].value,
        digest=seen.digest if seen else None,
        deployed_here=question.control_plane or not container.is_control_plane,
        hint=verdict.hint,
        needs=tuple(name for name in container.needs if question.takes_part(name)),
    )


def _node(container: Container, seen: Seen | None, action: Action) -> str:
    """Where it stands, for PVE or a person may have moved it; where it shall go when it is made anew."""
    return seen.node if seen and action not in _MAKES else container.node


def _judge(container: Container, seen: Seen | None, standing: _Standing, question: Question) -> _Verdict:
    refused = _refusal(container, seen, question)
    if refused:
        return _refuse(refused)
    moved = standing.get((container.name, container.stage)) if seen is None else None
    if moved:
        change = FieldChange("vmid", str(moved.vmid), str(container.vmid), Effect.REPLACE)
        return _replacing(container, f"it stands under VMID {moved.vmid}", (change,), question)
    if seen is None:
        return _Verdict(Action.CREATE, "it does not exist yet")
    if seen.creating:
        return _Verdict(Action.CREATE, f"an earlier run's task is making it ({seen.creating})")
    return _compare(container, seen, question)


def _refusal(container: Container, seen: Seen | None, question: Question) -> Refusal | None:
    observation = question.observation
    if seen is None:
        return ownership.hidden(container, observation) or _place(container, observation)
    names = frozenset(question.inventory.names)
    return ownership.refusal(container, seen, question.monorepo, names)


def _place(container: Container, observation: Observation) -> Refusal | None:
    """Why a container cannot be made where it shall stand."""
    nodes, storages = observation.nodes, observation.storages
    if nodes and container.node not in nodes:
        return Refusal(f"there is no node {container.node}", f"there are: {', '.join(sorted(nodes))}")
    if nodes.get(container.node, "online") == "offline":
        return Refusal(f"node {container.node} is offline", "start it, or name another one in NODE")
    here = {storage: content for (node, storage), content in storages.items() if node == container.node}
    fit = sorted(storage for storage, content in here.items() if "rootdir" in content)
    if here and container.disk.storage not in fit:
        known = container.disk.storage in here
        what = "takes no containers" if known else "does not exist (or may not be seen)"
        hint = f"storages for containers there: {', '.join(fit) or 'none'}"
        return Refusal(f"storage {container.disk.storage} on node {container.node} {what}", hint)
    return None


def _compare(container: Container, seen: Seen, question: Question) -> _Verdict:
    found = [
        *compare.changes(desired.observed(seen.config or {}), desired.wanted(container)),
        *_identity(container, seen),
    ]
    if seen.status != RUNNING:
        found.insert(0, FieldChange("status", seen.status, RUNNING, Effect.HOT))
    if not found:
        return _by_revision(seen.stamp, question.revisions[container.name])
    if seen.lock:
        return _refuse(Refusal(f"it is locked ({seen.lock})", "try again when that has ended"))
    changes = tuple(found)
    effects = {change.effect for change in changes}
    strongest = max(effects, key=list(Effect).index)
    names = ", ".join(change.field for change in changes if change.effect is strongest)
    if strongest is Effect.REPLACE:
        return _replacing(container, f"{names} cannot change in place", changes, question)
    reason = f"{names} differ{'s' if ', ' not in names else ''} from the repository"
    return _Verdict(_OF_EFFECT[strongest], reason, changes)


def _identity(container: Container, seen: Seen) -> Iterable[FieldChange]:
    """What only a new container can become: another library's, or one on the node that NODE names."""
    stamp = seen.stamp
    if stamp and stamp.container != container.name:
        yield FieldChange("container", stamp.container, container.name, Effect.REPLACE)
    origin = container.origins.get("NODE")
    if origin is not None and origin.file is not None and seen.node != container.node:
        yield FieldChange("node", seen.node, container.node, Effect.REPLACE)


def _by_revision(stamp: Stamp | None, revision: Revision) -> _Verdict:
    """PVE's settings are as they shall be: what the stamp says has been verified decides."""
    if stamp is None or stamp.revision is None:
        return _Verdict(Action.CONVERGE, "an earlier run did not finish")
    if stamp.revision == revision.value:
        return _Verdict(Action.UNCHANGED, f"revision {revision.short} is verified")
    parts = differing(stamp.parts, revision.parts)
    names = ", ".join(PARTS[part] for part in parts) or "revision"
    reason = f"{names} changed since revision {stamp.revision[:8]}"
    return _Verdict(Action.VERIFY if parts == (SPECS,) else Action.CONVERGE, reason)


def _replacing(container: Container, reason: str, changes: tuple[FieldChange, ...], question: Question) -> _Verdict:
    if container.name in question.allow_replace:
        return _Verdict(Action.REPLACE, reason, changes)
    hint = f"--allow-replace {container.name} deletes it with its disks and makes it anew"
    return _Verdict(Action.REFUSED, f"{reason}: it would have to be replaced", changes, hint)


def _refuse(refusal: Refusal) -> _Verdict:
    return _Verdict(Action.REFUSED, refusal.reason, (), refusal.hint)


def _survivable(container: Container, verdict: _Verdict, question: Question) -> _Verdict:
    """Refused where the control plane would pull the ground from under its own feet."""
    ends_it = {Effect.RESTART, Effect.REPLACE} & {change.effect for change in verdict.changes}
    if not (question.inside and container.is_control_plane and ends_it):
        return verdict
    option = f" --allow-replace {container.name}" if Effect.REPLACE in ends_it else ""
    return replace(
        verdict,
        action=Action.REFUSED,
        reason=f"{verdict.reason}: from inside that would end the run that does it",
        hint=f"on the workstation, type: ./run deploy -- {container.name}{option}",
    )


def _permitted(container: Container, verdict: _Verdict, question: Question) -> _Verdict:
    """Refused where the credentials could not carry it out."""
    if verdict.action in (Action.UNCHANGED, Action.VERIFY, Action.REFUSED):
        return verdict
    missing = privileges.shortfalls(container, question.privileges, question.template_storage)
    if not missing:
        return verdict
    reason = "; ".join(shortfall.what for shortfall in missing)
    hint = "; ".join(dict.fromkeys(shortfall.remedy for shortfall in missing))
    return replace(verdict, action=Action.REFUSED, reason=reason, hint=hint)
