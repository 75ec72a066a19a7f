"""The workflow files: few, thin, one nox session a step, understood by the embedded forge."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.cli.main import COMMANDS, PIPELINES
from harness.embedded.forge.workflows import parse

ROOT = Path(__file__).parents[2]
SHARED = ROOT / "harness/lifecycle/seeding/workflows"
FILES = sorted(SHARED.glob("*/*.yml"))
OURS = sorted((ROOT / ".gitea/workflows").glob("*.yml"))


@pytest.mark.parametrize("path", [*FILES, *OURS], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_workflow_checks_out_and_runs_one_session(path: Path) -> None:
    workflow = parse.read(path.name, path.read_text())
    (job,) = workflow.jobs
    checkout, session = job.steps
    assert job.labels == ("shell",)
    assert re.fullmatch(r"nox -s [a-z]+", session.run)
    assert session.run.split()[-1] in COMMANDS
    assert all(line.strip().startswith(("git ", "login=")) for line in checkout.run.strip().splitlines())
    assert len(path.read_text().splitlines()) < 40


@pytest.mark.parametrize("path", [*FILES, *OURS], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_token_stands_on_a_command_line(path: Path) -> None:
    (job,) = parse.read(path.name, path.read_text()).jobs
    assert all("${{" not in step.run for step in job.steps)
    secret = {name: value for name, value in job.env.items() if "secrets." in value}
    assert secret in ({}, {"GITOPS_PVE_READ_TOKEN": "${{ secrets.PVE_READ_TOKEN }}"})


def test_the_monorepo_s_own_workflows_are_the_shared_ones() -> None:
    assert {path.name: path.read_text() for path in OURS} == {
        path.name: (SHARED / "container" / path.name).read_text() for path in OURS
    }
    assert [path.stem for path in OURS] == ["check", "configure", "release"]


def test_every_pipeline_command_is_a_session_and_has_a_workflow() -> None:
    sessions = set(re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(), re.MULTILINE))
    started = {parse.read(path.name, path.read_text()).jobs[0].steps[-1].run.split()[-1] for path in FILES}
    assert set(PIPELINES) <= sessions
    assert started == set(PIPELINES)


def test_only_the_target_branch_s_workflow_checks_a_pull_request() -> None:
    events = {path.stem: set(parse.read(path.name, path.read_text()).triggers.events) for path in FILES}
    assert events["check"] == {"pull_request_target", "workflow_dispatch"}
    assert all("pull_request" not in found for found in events.values())
