"""The list of containers for the forge's pages, as ``PUT /api/gitops/containers`` takes it. Pure.

One JSON object, whole every time::

    {"version": 1, "target": "embedded", "containers": [
      {"name": "broker", "hostname": "broker", "stage": "", "repository": "main/broker",
       "id": 111, "node": "pve", "address": "10.143.0.11", "status": "running", "unit": "active",
       "revision": "0123456789abcdef", "commit": "1a2b3c4d5e6f", "checked": "2026-01-31T12:00:00+00:00",
       "specs": {"outcome": "passed", "passed": 7, "failed": 0, "at": "…", "run": "20260131T120000Z-1a2b",
                 "link": "/main/broker/actions/runs/3",
                 "report": "/main/broker/actions/reports/20260131T120000Z-1a2b", "failures": []},
       "changes": [{"field": "memory", "old": "512", "new": "1024", "entails": "none"}],
       "changes_link": "/main/broker/pulls/1"}]}

``name`` has the stage before it where there is one. ``status``: running, stopped, missing or unknown; ``unit``:
systemd's word for the unit named like the container, empty as long as nobody has asked; ``revision`` and ``commit``:
what was last verified, empty before that; ``changes``: what a deploy would do now, with what each entails (none,
restart, replace, create); ``changes_link``: the open pull request whose merge carries them out, left out where there
is none; links are paths on the forge.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from harness.inventory.model import Container
from harness.lifecycle.observe import Observation, Seen
from harness.lifecycle.plan import Action, ContainerPlan, Effect, FieldChange
from harness.lifecycle.report.story import ContainerStory, Item, Verdict
from harness.lifecycle.seeding import names

VERSION: Final = 1
Entry = dict[str, Any]
_ENTAILS: Final = {Effect.HOT: "none", Effect.RESTART: "restart", Effect.REPLACE: "replace"}
_WHOLE: Final = {Action.CREATE: "create", Action.REPLACE: "replace", Action.RESTART: "restart"}
_STATES: Final = ("running", "stopped")
_BAD: Final = (Verdict.FAILED, Verdict.UNFINISHED)
_QUOTED: Final = 10
_LONGEST: Final = 900


def entry(container: Container, plan: ContainerPlan, observation: Observation, checked: datetime) -> Entry:
    """One container as it stands; without what only specs and ssh can tell."""
    seen = observation.guests.get(container.vmid)
    stamp = seen.stamp if seen else None
    return {
        "name": f"{container.stage}-{container.name}" if container.stage else container.name,
        "hostname": container.hostname,
        "stage": container.stage or "",
        "repository": repository(container),
        "id": container.vmid,
        "node": seen.node if seen else container.node,
        "address": str(container.address.ip),
        "status": _status(seen),
        "revision": (stamp.revision if stamp else None) or "",
        "commit": (stamp.commit if stamp else None) or "",
        "changes": _changes(plan),
        "checked": checked.isoformat(timespec="seconds"),
    }


def _status(seen: Seen | None) -> str:
    if seen is None:
        return "missing"
    return seen.status if seen.status in _STATES else "unknown"


def repository(container: Container) -> str:
    """The repository that describes a container."""
    if container.is_control_plane:
        return names.CONFIG
    return names.stage(container.name) if container.stage else names.part(container.name)


def _changes(plan: ContainerPlan) -> list[Entry]:
    """The fields that differ, else what is to be done as a whole."""
    if plan.action is Action.UNCHANGED:
        return []
    if plan.changes:
        return [_change(change) for change in plan.changes]
    whole = {"field": plan.action.value, "old": "", "new": plan.reason[:_LONGEST]}
    return [{**whole, "entails": _WHOLE.get(plan.action, "none")}]


def _change(change: FieldChange) -> Entry:
    old, new = ((value or "")[:_LONGEST] for value in (change.old, change.new))
    return {"field": change.field, "old": old, "new": new, "entails": _ENTAILS[change.effect]}


def specs(run: str, told: ContainerStory, link: str = "", report: str = "") -> Entry | None:
    """The result of a container's specs in a run; None when none ran. ``link`` and ``report``: addresses."""
    ran = [item for item in told.specs if not item.held_back]
    if not ran:
        return None
    bad = [item for item in ran if item.verdict in _BAD]
    return {
        "outcome": "failed" if bad else "passed",
        "passed": sum(item.verdict is Verdict.PASSED for item in ran),
        "failed": len(bad),
        "at": max(item.ended for item in ran).isoformat(timespec="seconds"),
        "run": run,
        "link": _path(link),
        "report": _path(report),
        "failures": [_failure(item) for item in bad[:_QUOTED]],
    }


def _path(address: str) -> str:
    """An address on the forge without the forge's own, by whichever name it was reached."""
    return urlsplit(address).path


def _failure(item: Item) -> str:
    return "\n".join(part for part in (item.name, item.error) if part)


def merged(known: Iterable[Entry], found: Iterable[Entry], stage: str | None) -> list[Entry]:
    """``found`` (all of a stage) in the place of what was known of that stage; what only others told stays."""
    before = {str(one.get("name")): one for one in known}
    fresh = [{**_kept(before.get(one["name"], {})), **one} for one in found]
    others = [one for one in before.values() if one.get("stage", "") != (stage or "")]
    return sorted([*fresh, *others], key=lambda one: (one["stage"], one["id"]))


def _kept(one: Entry) -> Entry:
    return {key: one[key] for key in ("unit", "specs") if key in one}


def document(target: str, entries: Iterable[Entry]) -> Entry:
    """The whole list."""
    return {"version": VERSION, "target": target, "containers": list(entries)}
