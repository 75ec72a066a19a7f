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
        ("name: x\nrun-name: y\non: push\njobs: {}\n", 2, "'run-name'"),
        ("on: push\npermissions: read-all\njobs: {}\n", 2, "'permissions'"),
        (_job("    permissions: {contents: read}\n    steps: []\n"), 5, "'permissions'"),
        (_job("    strategy:\n      matrix: {a: [1]}\n"), 5, "'strategy'"),
        (_job("    services: {}\n"), 5, "'services'"),
        (_job("    outputs: {a: b}\n"), 5, "'outputs'"),
        (_job("    continue-on-error: true\n"), 5, "'continue-on-error'"),
        (_job("    environment: production\n"), 5, "'environment'"),
        (_job("    uses: a/b/.gitea/workflows/c.yml@main\n"), 5, "'uses'"),
        (_job("    secrets: inherit\n"), 5, "'secrets'"),
        (_job("    timeout-minutes: 0\n    steps: [{run: x}]\n"), 5, "no number of minutes"),
        (_job("    timeout-minutes: nan\n    steps: [{run: x}]\n"), 5, "no number of minutes"),
        (_job("    steps:\n      - run: x\n        with: {a: b}\n"), 7, "'with'"),
        (_job("    steps:\n      - run: x\n        env: {'A=B': c}\n"), 7, "'A=B' is no name"),
        (_job("    steps:\n      - run: echo ${{ steps.a.outputs.b }}\n"), 6, "'steps'"),
        (_job("    steps:\n      - run: echo ${{ matrix.a }}\n"), 6, "'matrix'"),
        (_job("    steps:\n      - run: echo ${{ github.workspace }}\n"), 6, "'github.workspace' is not supported"),
        (_job("    steps:\n      - run: echo ${{ needs.a.outputs.b }}\n"), 6, "'needs.a.outputs'"),
        (_job("    steps:\n      - run: echo ${{ fromJSON('1') }}\n"), 6, "'fromJSON'"),
        (_job("    defaults: {run: {shell: pwsh}}\n    steps: [{run: x}]\n"), 5, "'pwsh'"),
        (_job("    env: {<<: {A: b}}\n    steps: [{run: x}]\n"), 5, "merging"),
        ("on: push\njobs:\n  x:\n    runs-on: ${{ vars.L }}\n    steps: [{run: x}]\n", 4, "no label of a runner"),
        ("on: push\njobs:\n  x:\n    runs-on: {group: a}\n    steps: [{run: x}]\n", 4, "a single value"),
        ("on:\n  push:\n    branches: ['[']\njobs: {}\n", 3, "names no characters"),
        ("on:\n  push:\n    paths: ['?x']\njobs: {}\n", 3, "no single character before it"),
        ("on:\n  workflow_dispatch:\n    inputs:\n      a: {type: number}\njobs: {}\n", 4, "'number'"),
        (
            "on:\n  workflow_dispatch:\n    inputs:\n      a: {type: choice, options: [x], default: y}\njobs: {}\n",
            4,
            "'y'",
        ),
        ("on:\n  workflow_call:\njobs: {}\n", 2, "'workflow_call' is not supported"),
        ("on: push\ndefaults: {jobs: {}}\njobs: {}\n", 2, "'jobs' is not supported here"),
        ("on: " + "[" * 20_000, 1, "nested too deeply"),
        (_job('    steps: [{run: "${{ ' + "(" * 300 + ' }}"}]\n'), 5, "nested more than"),
        (_job('    steps: [{run: "${{ ' + "!" * 2_000 + '1 }}"}]\n'), 5, "too long"),
        (_job('    steps: [{run: "' + "${{" * 50_000 + '"}]\n'), 5, "is missing"),
        ("on: {schedule: [{cron: '61 * * * *'}]}\njobs: {}\n", 1, "not within 0 to 59"),
    ],
)
def test_what_is_not_supported_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(WorkflowError, match=words) as refused:
        parse.read("f.yml", text)

    assert refused.value.line == line


def test_aliases_that_multiply_are_refused() -> None:
    steps = ", ".join(["&s {run: x}", *(["*s"] * 500)])
    jobs = "\n".join(f"  j{number}: {{runs-on: a, steps: *t}}" for number in range(100))
    text = f"on: push\njobs:\n  first: {{runs-on: a, steps: &t [{steps}]}}\n{jobs}\n"
    with pytest.raises(WorkflowError, match="more than 10000 entries"):
        parse.read("f.yml", text)


def test_defaults_of_workflow_and_job_reach_the_steps() -> None:
    text = (
        "on: push\ndefaults: {run: {shell: sh, working-directory: a}}\njobs:\n"
        "  one: {runs-on: r, steps: [{run: x}, {run: x, shell: bash, working-directory: c}]}\n"
        "  two: {runs-on: r, defaults: {run: {working-directory: b}}, steps: [{run: x}]}\n"
    )
    one, two = parse.read("f.yml", text).jobs
    assert [(step.shell, step.directory) for step in (*one.steps, *two.steps)] == [
        ("sh", "a"), ("bash", "c"), ("sh", "b"),
    ]  # fmt: skip


def test_a_switch_is_true_or_false_to_expressions() -> None:
    inputs = parse.read(
        "f.yml",
        "on: {workflow_dispatch: {inputs:"
        " {dry: {type: boolean, default: false}, who: {type: choice, options: [a, b]}}}}\n"
        "jobs: {x: {runs-on: r, steps: [{run: x}]}}\n",
    ).triggers.inputs
    assert inputs["dry"].typed("false") is False
    assert inputs["who"].default == "a"
    assert [inputs["who"].takes(one) for one in ("b", "c")] == [True, False]


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
        ("${{ '10' > 3 }}", "true"),
        ("${{ 'x' == 0 }}", "false"),
        ("${{ vars.NONE == '' }}", "true"),
        ("${{ vars.NONE == false }}", "true"),
        ("${{ github.event }}", "Object"),
        ("${{ github.event < github.event }}", "false"),
        ("${{ format('{0} {7} {{', 'a') }}", "a {7} {{"),
        ("${{ join(github.event.pull_request.labels) }}", "a,B"),
        ("${{ join(7, '-') }}", "7"),
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


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("main", "main", True),
        ("main", "mainly", False),
        ("release/*", "release/1", True),
        ("release/*", "release/1/2", False),
        ("release/**", "release/1/2", True),
        ("**.md", "docs/a.md", True),
        ("v[0-9]+.x", "v10.x", True),
        ("v[0-9]+.x", "vv.x", False),
        ("colou?r", "color", True),
        ("colou?r", "colouur", False),
        ("*", "", True),
        ("a.b", "axb", False),
        ("**a" * 60 + "!", "a" * 250, False),
    ],
)
def test_patterns_fit_whole_names_in_little_time(pattern: str, text: str, fits: bool) -> None:
    assert match.fits([pattern], text) is fits


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
