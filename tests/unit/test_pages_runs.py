"""Runs as pages: jobs, steps, logs, and starting, stopping, repeating them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.embedded.forge import clock
from harness.embedded.forge.pages import running
from harness.embedded.forge.services import job_logs, jobs, run_states
from harness.embedded.forge.store import actions
from tests.unit.pages_site import Site, site

WORKFLOW = """name: Deploy
on:
  workflow_dispatch:
    inputs:
      container:
        default: broker
jobs:
  deploy:
    runs-on: shell
    steps:
      - name: Plan
        run: "true"
      - name: Deploy <b>
        run: "true"
  report:
    needs: deploy
    runs-on: shell
    steps:
      - run: "true"
"""


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("runs")) as found:
        found.repository("main/config", {".gitea/workflows/deploy.yml": WORKFLOW})
        yield found


def _start(forge: Site) -> int:
    """A run that waits for a runner."""
    admin = forge.admin()
    form = {"workflow": "deploy.yml", "ref": "main", "input-container": "proxy"}
    answer = admin.post("/main/config/actions/dispatch", on="/main/config/actions", **form)
    assert answer.status_code == 303
    return int(answer.headers["location"].rsplit("/", 1)[-1])


def _steps(forge: Site, run: int, *steps: tuple[str, str | None, int], lines: list[str]) -> None:
    """Bring the first job's steps into these states, each with its first line."""
    db, now = forge.served.forge.db, clock.now()
    job = actions.jobs(db, run)[0]
    job_logs.append(forge.served.forge, job, 0, lines)
    known = actions.steps(db, job.id)
    sql = "UPDATE step SET status = ?, conclusion = ?, started = ?, first_line = ? WHERE job_id = ? AND number = ?"
    for step, (status, conclusion, first) in zip(known, steps, strict=False):
        db.run(sql, status, conclusion, now, first, job.id, step.number)
    db.update("job", job.id, status="running", started=now)
    db.update("run", run, status="running", started=now)


def test_a_workflow_is_started_by_hand_with_its_inputs(forge: Site) -> None:
    page = forge.admin().get("/main/config/actions").text
    assert 'name="input-container" value="broker"' in page
    run = _start(forge)
    kept = forge.served.forge.db.value("SELECT payload FROM run WHERE id = ?", run)
    assert '"proxy"' in kept
    assert "Waiting for a runner." in forge.visitor().get(f"/main/config/actions/runs/{run}").text


def test_only_who_may_write_starts_one(forge: Site) -> None:
    assert "Start a workflow by hand" not in forge.visitor().get("/main/config/actions").text
    ann = forge.person("ann")
    assert "Start a workflow by hand" not in ann.get("/main/config/actions").text
    before = forge.served.forge.db.value("SELECT count(*) FROM run")
    ann.get("/main/config/actions")
    token_page = ann.get("/user/settings/account")
    assert token_page.status_code == 200
    ann.post("/main/config/actions/dispatch", workflow="deploy.yml", ref="main")
    assert forge.served.forge.db.value("SELECT count(*) FROM run") == before


def test_an_unknown_branch_or_workflow_is_said(forge: Site) -> None:
    admin = forge.admin()
    admin.post("/main/config/actions/dispatch", on="/main/config/actions", workflow="none.yml", ref="main")
    assert "doesn&#39;t exist" in admin.get("/main/config/actions").text


def test_each_step_has_its_part_of_the_log_escaped_and_coloured(forge: Site) -> None:
    run = _start(forge)
    lines = ["planning", "\x1b[32mfine\x1b[0m", "<script>alert(1)</script>", "more"]
    _steps(forge, run, ("completed", "success", 0), ("running", None, 2), lines=lines)
    page = forge.visitor().get(f"/main/config/actions/runs/{run}").text
    first, second = page.split('class="output"')[1:]
    assert "planning" in first
    assert '<span class="ink-2">fine</span>' in first
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in second
    assert "<script>alert" not in page
    assert "Deploy &lt;b&gt;" in page


def test_a_job_that_no_runner_can_take_says_what_is_missing(forge: Site) -> None:
    held = forge.served.forge
    path = f"/main/config/actions/runs/{_start(forge)}"
    assert "No runner that there is has shell (runs-on)." in forge.visitor().get(path).text
    jobs.register(held, jobs.registration_token(held), "r", ["shell"], untrusted=False)
    assert "No runner that there is" not in forge.visitor().get(path).text


def test_the_page_of_a_run_under_way_renews_itself_without_script_too(forge: Site) -> None:
    run = _start(forge)
    page = forge.visitor().get(f"/main/config/actions/runs/{run}").text
    assert '<noscript><meta http-equiv="refresh"' in page
    assert 'data-live="1.5"' in page


def test_the_script_is_told_in_few_bytes_that_nothing_changed(forge: Site) -> None:
    run = _start(forge)
    visitor, path = forge.visitor(), f"/main/config/actions/runs/{run}"
    mark = visitor.get(path, x_live="1").headers["etag"]
    again = visitor.get(path, x_live="1", if_none_match=mark)
    if again.status_code == 200:  # a second has passed in a duration
        again = visitor.get(path, x_live="1", if_none_match=again.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")


def test_the_whole_log_is_plain_text_with_times(forge: Site) -> None:
    run = _start(forge)
    _steps(forge, run, ("running", None, 0), lines=["one", "<b>two"])
    job = actions.jobs(forge.served.forge.db, run)[0]
    answer = forge.visitor().get(f"/main/config/actions/runs/{run}/jobs/{job.id}/logs")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    first, second = answer.text.splitlines()
    assert first.endswith("Z one")
    assert second.endswith("Z <b>two")


def test_a_waiting_run_is_cancelled_and_run_again(forge: Site) -> None:
    run, admin = _start(forge), forge.admin()
    path = f"/main/config/actions/runs/{run}"
    admin.post(f"{path}/cancel", on=path)
    page = admin.get(path).text
    assert "cancelled" in page
    assert "Run again" in page
    admin.post(f"{path}/rerun")
    found = actions.run(forge.served.forge.db, run)
    assert found is not None
    assert found.status == "waiting"


def test_a_run_of_another_repository_is_not_found_here(forge: Site) -> None:
    run = _start(forge)
    forge.repository("main/other", {"a": "b\n"})
    assert forge.admin().get(f"/main/other/actions/runs/{run}").status_code == 404


def test_lists_filter_by_workflow_and_state(forge: Site) -> None:
    visitor = forge.visitor()
    assert "No such run." in visitor.get("/main/config/actions?workflow=none.yml").text
    assert "No such run." in visitor.get("/runs?status=failure").text
    assert "main/config" in visitor.get("/runs").text


def test_a_log_larger_than_a_page_shows_its_end_and_says_how_much_comes_before(forge: Site) -> None:
    run = _start(forge)
    lines = [f"line {number}" for number in range(2500)]
    _steps(forge, run, ("success", "success", 0), ("running", None, 2500), lines=[*lines, "the second"])
    page = forge.visitor().get(f"/main/config/actions/runs/{run}").text
    assert "500 lines before these" in page
    assert ">line 499<" not in page
    assert 'id="L500"' in page
    assert ">line 2499<" in page
    assert page.index("line 2499") < page.index("the second")


def test_endless_lines_and_colours_cost_a_page_no_more_than_their_end() -> None:
    tail = running.Tail(10, most=2000, most_characters=1000)
    for number in range(50):
        tail.add(f"2026-01-01T00:00:00Z {number:02}" + "\x1b[31m" * 20)
    assert (len(tail.lines), tail.skipped, tail.first) == (9, 41, 51)
    tail.add("2026-01-01T00:00:00Z " + "x" * 5000)
    assert (len(tail.lines), tail.skipped) == (1, 50)


def test_numbers_that_are_none_find_nothing(forge: Site) -> None:
    for path in ("/main/config/actions/runs/%C2%B2", "/main/config/pulls/%D9%A1", "/main/config/pulls/%C2%B2.diff"):
        assert forge.visitor().get(path).status_code == 404
    assert forge.visitor().get("/runs?page=%C2%B2").status_code == 200


def test_a_refused_job_shows_why_where_people_look(forge: Site) -> None:
    held = forge.served.forge
    run = _start(forge)
    first = actions.jobs(held.db, run)[0]
    run_states.refuse(held, first, ["refused: deploy.yml comes <with> the pull request", "and what to do"])
    page = forge.visitor().get(f"/main/config/actions/runs/{run}").text
    assert "refused: deploy.yml comes &lt;with&gt; the pull request" in page
    assert "and what to do" in page.split('<details class="step failure"', 1)[1].split("</details>")[0]
    assert "open>" in page.split('<details class="step failure"', 1)[1][:120]
