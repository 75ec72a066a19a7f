"""What happens by the clock: workflows that are due, jobs that take too long, sessions and tokens that have ended."""

from __future__ import annotations

from harness.embedded.forge import clock, git_push
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.services import jobs, runs
from harness.embedded.forge.worker import Worker
from harness.embedded.forge.workflows import cron

_PAUSE_SECONDS = 5.0
_FORGOTTEN_SECONDS = 60  # a push that lives tells by itself long before


def tick(forge: Forge, now: int | None = None) -> None:
    """Do what is due."""
    moment = now or clock.now()
    jobs.watch(forge, moment)
    git_push.settle_forgotten(forge, moment - _FORGOTTEN_SECONDS)
    due = forge.db.connection.execute("SELECT repo_id, file, cron FROM schedule WHERE due <= ?", (moment,)).fetchall()
    for repo_id, file, line in due:
        sql = "UPDATE schedule SET due = ? WHERE repo_id = ? AND file = ? AND cron = ?"
        forge.db.run(sql, cron.read(line).after(moment), repo_id, file, line)
        runs.on_schedule(forge, repo_id, file, line)
    forge.db.run("DELETE FROM session WHERE expires < ?", moment)
    forge.db.run("DELETE FROM token WHERE expires < ?", moment)


class Scheduler(Worker):
    """Looks every few seconds."""

    def _round(self) -> None:
        if not self._stop.wait(_PAUSE_SECONDS):
            tick(self._forge)
