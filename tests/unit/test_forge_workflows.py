"""Workflow files: what is read, what starts them, what their expressions say."""

from __future__ import annotations

import pytest

from harness.embedded.forge.workflows import cron, expressions, match, parse
from harness.embedded.forge.workflows.errors import WorkflowError
from harness.embedded.forge.workflows.expressions import Context, ExpressionError, State
from harness.embedded.forge.workflows.match import Event
from harness.embedded.forge.workflows.model import Filter, Triggers

_FILE = """name: deploy
on:
  push:
    branches: [main, 'release/**']
  schedule:
    - cron: '0 */3 * * *'
  workflow_dispatch:
    inputs:
      who: {default: all}
env: {A: '1'}
jobs:
  plan:
    runs-on: [shell, big]
    timeout-minutes: 5
    steps:
      - run: nox -s plan
  deploy:
    needs: plan
    if: github.ref == 'refs/heads/main'
    runs-on: shell
    concurrency: {group: 'c-${{ github.ref }}', cancel-in-progress: true}
    steps:
      - name: Deploy ${{ inputs.who }}
        run: nox -s deploy
        working-directory: sub
        env: {B: '${{ secrets.B }}'}
"""


def test_a_whole_file_is_read() -> None:
    found = parse.read("d.yml", _FILE)

    assert (found.name, found.env) == ("deploy", {"A": "1"})
    assert found.triggers.crons == ("0 */3 * * *",)
    assert found.triggers.inputs["who"].default == "all"
    plan, deploy = found.jobs
    assert (plan.labels, plan.minutes, plan.steps[0].name) == (("shell", "big"), 5.0, "Run nox -s plan")
    assert (deploy.needs, deploy.steps[0].directory) == (("plan",), "sub")
    assert deploy.concurrency is not None
    assert deploy.concurrency.cancel


def _job(body: str) -> str:
    return f"on: push\njobs:\n  x:\n    runs-on: a\n{body}"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "empty"),
        ("on: push\n", 1, "'jobs' is missing"),
        ("on: [push, deployment]\njobs: {}\n", 1, "'deployment' is not supported"),
        ("on:\n  push:\n    branch: x\njobs: {}\n", 3, "'branch' is not supported here"),
        (_job("    container: x\n"), 5, "'container'"),
        (_job("    steps:\n      - uses: actions/checkout@v4\n"), 6, "'uses'"),
        (_job("    steps:\n      - name: x\n"), 6, "no 'run'"),
        (_job("    steps:\n      - run: ${{ runner.os }}\n"), 6, "'runner' is not supported"),
        (_job("    steps:\n      - run: x\n        if: hashFiles('x')\n"), 7, "'hashFiles'"),
        (_job("    steps:\n      - run: x\n        shell: pwsh\n"), 7, "'pwsh'"),
        (_job("    needs: y\n    steps:\n      - run: x\n"), 3, "needs 'y', which is not there"),
        (_job("    needs: x\n    steps:\n      - run: x\n"), 3, "needs itself"),
        (_job("    steps:\n      - run: x\n    steps: []\n"), 7, "twice"),
        ("on: {schedule: [{cron: '61 * * * *'}]}\njobs: {}\n", 1, "not within 0 to 59"),
    ],
)
def test_what_is_not_supported_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(WorkflowError, match=words) as refused:
        parse.read("f.yml", text)

    assert refused.value.line == line


_VALUES = {
    "github": {"ref": "refs/heads/main", "event": {"pull_request": {"number": 7, "labels": ["a", "B"]}}},
    "vars": {"WHO": "broker"},
    "needs": {"plan": {"result": "failure"}},
    "env": {},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${{ vars.who }} x", "broker x"),
        ("${{ github.event.pull_request.number }}", "7"),
        ("${{ github.event['pull_request'].number == 7 }}", "true"),
        ("${{ github.ref == 'REFS/heads/MAIN' }}", "true"),
        ("${{ vars.NONE || 'other' }}", "other"),
        ("${{ !vars.NONE && 'yes' }}", "yes"),
        ("${{ contains(github.event.pull_request.labels, 'b') }}", "true"),
        ("${{ startsWith(github.ref, 'refs/heads/') && !endsWith(github.ref, 'x') }}", "true"),
        ("${{ format('{0}-{1}', vars.WHO, 1) }}", "broker-1"),
        ("${{ 'it''s' }}", "it's"),
        ("${{ (1 < 2) == true }}", "true"),
        ("${{ needs.plan.result }}", "failure"),
        ("$HOME ${x}", "$HOME ${x}"),
    ],
)
def test_expressions_are_replaced_by_their_values(text: str, value: str) -> None:
    assert expressions.fill(text, Context(_VALUES)) == value


@pytest.mark.parametrize(
    "text",
    ["${{ job.status }}", "${{ toJSON(github) }}", "${{ github. }}", "${{ (1 }}", "${{ 1", "${{ 'a }}", "${{ }}"],
)
def test_expressions_that_are_not_understood_are_refused_when_they_are_read(text: str) -> None:
    with pytest.raises(ExpressionError):
        expressions.check(text)


@pytest.mark.parametrize(
    ("condition", "good", "failed"),
    [
        ("", True, False),
        ("always()", True, True),
        ("failure()", False, True),
        ("${{ github.ref == 'refs/heads/main' }}", True, False),
        ("github.ref == 'refs/heads/other'", False, False),
        ("failure() && vars.WHO == 'broker'", False, True),
    ],
)
def test_a_condition_without_a_state_function_means_success_as_well(condition: str, good: bool, failed: bool) -> None:
    assert expressions.holds(condition, Context(_VALUES)) is good
    assert expressions.holds(condition, Context(_VALUES, State(failed=True))) is failed


@pytest.mark.parametrize(
    ("wanted", "event", "starts"),
    [
        (Filter(), Event("push", ref="refs/heads/x"), True),
        (Filter(), Event("push", ref="refs/tags/x"), True),
        (Filter(branches=("main",)), Event("push", ref="refs/heads/main"), True),
        (Filter(branches=("main",)), Event("push", ref="refs/heads/mainx"), False),
        (Filter(branches=("main",)), Event("push", ref="refs/tags/main"), False),
        (Filter(branches=("f/*",)), Event("push", ref="refs/heads/f/a/b"), False),
        (Filter(branches=("f/**",)), Event("push", ref="refs/heads/f/a/b"), True),
        (Filter(branches=("**", "!main")), Event("push", ref="refs/heads/main"), False),
        (Filter(branches_ignore=("main",)), Event("push", ref="refs/heads/x"), True),
        (Filter(tags=("v*",)), Event("push", ref="refs/tags/v1"), True),
        (Filter(tags=("v*",)), Event("push", ref="refs/heads/v1"), False),
        (Filter(paths=("libs/**",)), Event("push", ref="refs/heads/x", paths=("libs/a/b",)), True),
        (Filter(paths=("libs/**",)), Event("push", ref="refs/heads/x", paths=("README.md",)), False),
        (Filter(paths_ignore=("*.md",)), Event("push", ref="refs/heads/x", paths=("README.md",)), False),
    ],
)
def test_filters_say_which_pushes_start_a_workflow(wanted: Filter, event: Event, starts: bool) -> None:
    assert match.starts(Triggers({"push": wanted}), event) is starts


def test_pull_requests_start_by_their_base_and_their_action() -> None:
    triggers = Triggers({"pull_request": Filter(branches=("main",))})

    assert match.starts(triggers, Event("pull_request", branch="main", action="synchronize"))
    assert not match.starts(triggers, Event("pull_request", branch="main", action="closed"))
    assert not match.starts(triggers, Event("pull_request", branch="x", action="opened"))
    assert not match.starts(triggers, Event("pull_request_target", branch="main", action="opened"))


@pytest.mark.parametrize(
    ("line", "after", "due"),
    [
        ("0 */3 * * *", 0, 3 * 3600),
        ("0 */3 * * *", 3 * 3600 - 1, 3 * 3600),
        ("30 4 * * 1", 0, 4 * 86400 + 4 * 3600 + 1800),  # the epoch was a Thursday
        ("@weekly", 0, 3 * 86400),
        ("0 0 1,15 * *", 0, 14 * 86400),
        ("15-20/5 0 * * *", 15 * 60, 20 * 60),
    ],
)
def test_cron_lines_come_due(line: str, after: int, due: int) -> None:
    assert cron.read(line).after(after) == due


@pytest.mark.parametrize("line", ["* * * *", "x * * * *", "*/0 * * * *", "5-1 * * * *", "0 25 * * *"])
def test_lines_that_are_no_cron_lines_are_refused(line: str) -> None:
    with pytest.raises(cron.CronError):
        cron.read(line)
