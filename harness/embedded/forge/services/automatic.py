"""Pull requests that merge by themselves when their checks have succeeded."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass

from harness.embedded.forge import clock
from harness.embedded.forge.access import Identity
from harness.embedded.forge.errors import ConflictError, EmptyError, ForbiddenError, ForgeError, not_found
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.services import merging
from harness.embedded.forge.services.merging import Wish
from harness.embedded.forge.store import accounts, pulls, repositories
from harness.embedded.forge.store.records import Account, Pull

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Who wants which pull request merged, and how: ``wish`` is JSON."""

    id: int
    pull_id: int
    user_id: int
    wish: str
    base_url: str


def schedule(forge: Forge, doer: Account, found: Pull, wish: Wish, base: str) -> None:
    """Have it merged when it can be; at once where nothing is asked for."""
    if _of(forge, found):
        words = "pull request is already scheduled to auto merge when checks succeed"
        raise ConflictError(f"{words} [pull_id: {found.id}]")
    kept = json.dumps(asdict(wish))
    forge.db.insert("auto_merge", pull_id=found.id, user_id=doer.id, wish=kept, base_url=base, created=clock.now())
    forge.checks.ring()


def cancel(forge: Forge, doer: Account, found: Pull, *, admin: bool) -> None:
    """Have it not merged after all."""
    with forge.lock(found.repo_id):  # either before it is merged or after, not meanwhile
        scheduled = _of(forge, found)
        if scheduled is None:
            raise not_found()
        if scheduled.user_id != doer.id and not admin:
            raise ForbiddenError("user has no permission to cancel the scheduled auto merge")
        _forget(forge, scheduled)


def _of(forge: Forge, found: Pull) -> Scheduled | None:
    return forge.db.one(Scheduled, "SELECT * FROM auto_merge WHERE pull_id = ?", found.id)


def _forget(forge: Forge, scheduled: Scheduled) -> None:
    forge.db.run("DELETE FROM auto_merge WHERE id = ?", scheduled.id)


def merge_ready(forge: Forge) -> None:
    """Merge what can be merged now; what was merged or closed by somebody else is forgotten."""
    for scheduled in forge.db.all(Scheduled, "SELECT * FROM auto_merge ORDER BY id"):
        found = pulls.by_id(forge.db, scheduled.pull_id)
        if found is None or found.closed:
            _forget(forge, scheduled)
        else:
            _try(forge, scheduled, found)


def _try(forge: Forge, scheduled: Scheduled, found: Pull) -> None:
    repository = repositories.by_id(forge.db, found.repo_id)
    if repository is None:
        return
    identity, wish = Identity(accounts.by_id(forge.db, scheduled.user_id)), Wish(**json.loads(scheduled.wish))
    try:
        with forge.lock(repository.id):
            if _of(forge, found) is None:
                return
            merging.merge(forge, identity, repository, found.number, wish, scheduled.base_url)
            _forget(forge, scheduled)
    except (ForgeError, EmptyError) as refused:
        _log.info("%s#%d is not merged yet: %s", repository.full_name, found.number, refused)
