"""The repository's id: made once, kept, and never guessed."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.kit.errors import ConfigurationError
from harness.repo import identity


def test_it_is_made_once_and_stays(tmp_path: Path) -> None:
    made = identity.monorepo_id(tmp_path, create=True)
    assert made is not None
    assert re.fullmatch(r"mr-[0-9a-f]{16}", made)
    assert identity.monorepo_id(tmp_path, create=True) == made
    assert [path.name for path in (tmp_path / "local").iterdir()] == ["monorepo-id"]


def test_without_leave_to_write_it_is_none_before_the_first_run(tmp_path: Path) -> None:
    assert identity.monorepo_id(tmp_path, create=False) is None
    assert not (tmp_path / "local").exists()


def test_two_repositories_have_two(tmp_path: Path) -> None:
    one, two = (identity.monorepo_id(tmp_path / name, create=True) for name in ("one", "two"))
    assert one != two


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: identity.monorepo_id(tmp_path, create=True), range(16)))
    assert len(found) == 1


@pytest.mark.parametrize("text", ["", "mr-xyz", "mr-0123456789abcdef mr-0123456789abcdef"])
def test_a_damaged_one_is_not_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "local").mkdir()
    (tmp_path / identity.FILE).write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        identity.monorepo_id(tmp_path, create=True)
    assert "from git" in str(caught.value.problems[0])
    assert (tmp_path / identity.FILE).read_text() == text
