"""``accept``: merge all open release pull requests whose plan is fine, the monorepo's first, then by need."""

from __future__ import annotations

from typing import Final

from harness.forge import organisations, pulls, statuses
from harness.forge.client import Forge
from harness.forge.errors import ForgeError
from harness.forge.model import Pull
from harness.inventory.model import Inventory
from harness.kit.clock import Deadline, wait_until
from harness.kit.errors import DeadlineError, ExitCode
from harness.lifecycle.seeding import names
from harness.pipeline import requests, tell
from harness.pipeline.door import Office

_PLAN_SECONDS: Final = 60.0
"""Patience with a plan that is being made."""
_MERGE_SECONDS: Final = 30.0


def accept_all(office: Office, inventory: Inventory | None) -> int:
    """Merge what waits. Exit code 1: something waits still, each said with its reason."""
    _, forge = office.require()
    held = 0
    for slug in ordered(forge, inventory):
        for pull in requests.waiting(forge, slug):
            reason = accept(forge, slug, pull)
            office.say(f"{slug} pull request {pull.number}: {reason or 'merged'}")
            held += bool(reason)
    return ExitCode.FAILED if held else ExitCode.OK


def ordered(forge: Forge, inventory: Inventory | None) -> list[str]:
    """Repositories of ``main``: the monorepo, then containers after those they need, then what is left."""
    found = {entry.slug for entry in organisations.repositories(forge, names.MAIN) if not entry.archived}
    known = [names.part(name) for name in inventory.names] if inventory else []
    first = [slug for slug in (names.CONFIG, *known) if slug in found]
    return list(dict.fromkeys([*first, *sorted(found)]))


def accept(forge: Forge, slug: str, pull: Pull) -> str:
    """Merge one once its plan is posted; why not, empty when it is merged."""
    state = _planned(forge, slug, pull)
    if state != "success":
        return f"left open: its plan is {state}"
    try:
        deadline = Deadline(_MERGE_SECONDS, forge.clock)
        pulls.wait_mergeable(forge, slug, pull.number, deadline)
        pulls.merge(forge, slug, pull.number, deadline, head_sha=pull.head_sha)
    except ForgeError as error:
        return f"left open: {error.message}"
    return ""


def _planned(forge: Forge, slug: str, pull: Pull) -> str:
    """The state of the plan for what is proposed, once there is one."""

    def ended() -> str | None:
        found = statuses.newest(forge, slug, pull.head_sha).get(tell.PLAN)
        return found.state if found is not None and found.state != "pending" else None

    try:
        return wait_until(ended, Deadline(_PLAN_SECONDS, forge.clock), f"{slug}: a plan")
    except DeadlineError:
        return "missing"
