"""What commands load: it decides how soon a merge is heard of, and that nothing of Docker is looked for inside."""

from __future__ import annotations

import subprocess
import sys

import pytest

OF_JOBS = ("release", "configure", "check", "snapshot", "accept", "health", "update", "pointer")


def loaded(statements: str) -> set[str]:
    """The top packages and our own modules that a fresh process has loaded after ``statements``."""
    told = f"{statements}\nimport sys\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    names = done.stdout.split()
    return {name.partition(".")[0] for name in names} | {name for name in names if name.startswith("harness.")}


@pytest.mark.parametrize("command", OF_JOBS)
def test_a_job_loads_nothing_of_docker(command: str) -> None:
    pipeline = "import harness.cli.pipeline_run, harness.pipeline.releasing"
    found = loaded(f"from harness.cli.main import load\nload({command!r})\n{pipeline}")
    assert "docker" not in found
    assert {name for name in found if name.startswith("harness.embedded.node")} == set()


@pytest.mark.parametrize("module", ["harness.suite.plugin", "harness.suite.real", "harness.verify.fixtures"])
def test_nor_does_the_suite_that_it_starts(module: str) -> None:
    assert "docker" not in loaded(f"import {module}")


def test_a_release_signs_in_before_it_loads_the_rest() -> None:
    found = loaded("from harness.cli.main import load\nload('release')")
    assert "harness.pve.client" in found
    late = ("rich", "git", "jinja2", "cryptography", "harness.lifecycle.workspace", "harness.forge.client")
    assert found.isdisjoint(late)


def test_a_plan_loads_git_and_templates_only_when_they_are_asked() -> None:
    assert loaded("from harness.cli.main import load\nload('plan')").isdisjoint({"git", "jinja2", "docker"})
