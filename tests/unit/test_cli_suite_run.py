"""How pytest is started for a plan, and what its exit code means here."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli import suite_run


def test_each_container_may_have_a_worker() -> None:
    assert suite_run.worker_arguments(3, []) == ["-n", "3"]


def test_one_container_needs_no_workers() -> None:
    assert suite_run.worker_arguments(1, []) == []


@pytest.mark.parametrize("given", [["-n", "1"], ["-n1"], ["--numprocesses=2"]])
def test_the_users_number_of_workers_wins(given: list[str]) -> None:
    assert suite_run.worker_arguments(3, given) == []


def test_the_mode_and_run_directory_are_passed_before_the_users_options() -> None:
    argv = suite_run.arguments("deploy", Path("runs/1"), ["-k", "x"], 1)
    assert argv[1:5] == ["-m", "pytest", "--gitops=deploy", "--gitops-run=runs/1"]
    assert argv[-3:] == ["-k", "x", "libs"]


@pytest.mark.parametrize(("theirs", "ours"), [(0, 0), (1, 1), (3, 3), (4, 2), (5, 2), (130, 130)])
def test_pytests_codes_become_ours(theirs: int, ours: int) -> None:
    assert suite_run.exit_code(theirs) == ours
