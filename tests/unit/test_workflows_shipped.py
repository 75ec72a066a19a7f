"""The workflow files that the project ships: they are to run on Gitea's runner as on ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.embedded.forge.workflows import parse

ROOT = Path(__file__).parents[2]
FILES = [
    *sorted((ROOT / ".gitea" / "workflows").glob("*.yml")),
    *sorted((ROOT / "harness" / "lifecycle" / "seeding" / "workflows").glob("*/*.yml")),
]


def test_there_are_workflows() -> None:
    assert len(FILES) > 8


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_workflow_asks_for_a_shell_and_for_its_job_s_token_which_gitea_s_runner_puts_into_no_environment(
    file: Path,
) -> None:
    workflow = parse.read(file.name, file.read_text())
    for job in workflow.jobs:
        assert job.labels == ("shell",)
        assert job.env["GITHUB_TOKEN"] == "${{ github.token }}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_workflow_only_runs_commands(file: Path) -> None:
    text = file.read_text()
    assert "uses:" not in text
    assert "container:" not in text
