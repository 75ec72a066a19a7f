"""Tasks on the overview: how each ended last, when it is due, and starting it by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from harness.embedded.forge import clock
from harness.embedded.forge.store import actions
from tests.unit.pages_site import Site, site

WORKFLOW = """name: {name}
on:
  schedule:
    - cron: '0 */3 * * *'
  workflow_dispatch:
jobs:
  work:
    runs-on: shell
    steps:
      - run: "true"
"""


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("tasks")) as found:
        for name in ("health", "update"):
            files = {f".gitea/workflows/{name}.yml": WORKFLOW.format(name=name.title())}
            found.repository(f"tasks/{name}", files, description=f"What {name} is for")
        found.repository("main/config", {".gitea/workflows/release.yml": WORKFLOW.format(name="Release")})
        found.person("guest")
        yield found


def _row(page: str, name: str) -> str:
    """The task's line without markup."""
    tasks = page.partition('id="tasks"')[2].partition("</section>")[0]
    (row,) = [one for one in tasks.split("<li ")[1:] if f'href="/tasks/{name}/actions"' in one]
    return " ".join(re.sub(r"<[^>]*>", " ", row).split())


def test_a_task_shows_its_last_result_and_when_it_is_due(forge: Site) -> None:
    admin = forge.admin()
    assert "never run What health is for every 3 hours, next in " in _row(admin.get("/").text, "health")
    started = admin.post(
        "/tasks/health/actions/dispatch", on="/", workflow="health.yml", ref="main"
    )  # what the button sends
    run = int(started.headers["location"].rpartition("/")[2])
    now = clock.now()
    ended = {"status": "completed", "conclusion": "failure", "started": now - 3700, "ended": now - 3600}
    database = forge.served.forge.db
    database.update("run", run, **ended)
    for job in actions.jobs(database, run):
        database.update("job", job.id, **ended)
    page = admin.get("/").text
    assert "failed 1 hour ago took 1m 40s" in _row(page, "health")
    assert f'href="/tasks/health/actions/runs/{run}"' in page
    assert "never run" in _row(page, "update")


def test_the_button_is_for_those_who_may_write(forge: Site) -> None:
    assert "Run now" in _row(forge.admin().get("/").text, "update")
    assert "Run now" not in _row(forge.person("guest").get("/").text, "update")
    assert "Run now" not in _row(forge.visitor().get("/").text, "update")


def test_a_repository_that_is_no_task_is_listed_as_before(forge: Site) -> None:
    page = forge.admin().get("/").text
    assert "/main/config/actions" not in page.partition('id="tasks"')[2].partition("</section>")[0]
    assert 'href="/main/config"' in page


def test_the_runs_of_a_repository_say_when_the_clock_starts_one(forge: Site) -> None:
    page = forge.visitor().get("/main/config/actions").text
    assert "release.yml runs every 3 hours, next " in page
