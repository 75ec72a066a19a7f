"""A directory checked by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.kit.errors import UsageError
from harness.pipeline import checking
from harness.pipeline.door import Office
from harness.pipeline.tell import Aloud


@pytest.mark.parametrize("name", ["empty", "nowhere"])
def test_a_directory_without_a_repository_s_files_has_no_plan(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    said: list[str] = []
    with pytest.raises(UsageError, match=f"{name} has neither of config.env and libs"):
        checking.check_folder(Office(tmp_path, {}, said.append, None, None, Aloud(said.append)), tmp_path / name)
    assert said == []
