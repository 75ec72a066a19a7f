"""Which directory is the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.root import repository_root
from harness.kit.errors import ExitCode, UsageError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "libs/apache/recipes").mkdir(parents=True)
    for directory in (tmp_path, tmp_path / "libs/apache"):
        (directory / "config.env").touch()
    return tmp_path


def test_it_is_found_from_any_directory_in_it(root: Path) -> None:
    assert repository_root({}, root) == root
    assert repository_root({}, root / "libs/apache/recipes") == root


def test_a_variable_names_it(root: Path) -> None:
    assert repository_root({"GITOPS_ROOT": str(root)}, Path("/")) == root


def test_outside_of_one_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        repository_root({}, tmp_path)
    assert caught.value.exit_code == ExitCode.USAGE
    assert "GITOPS_ROOT" in (caught.value.hint or "")
