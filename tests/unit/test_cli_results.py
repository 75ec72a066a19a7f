"""What the closing table says of a container."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli import results


@pytest.mark.parametrize("line", ["description 'MQTT for all'", 'description   "MQTT for all"'])
def test_the_description_is_the_cookbooks_own(tmp_path: Path, line: str) -> None:
    (tmp_path / "metadata.rb").write_text(f"name 'broker'\n{line}\n")
    assert results.description(tmp_path) == "MQTT for all"


def test_a_cookbook_without_metadata_has_no_description(tmp_path: Path) -> None:
    assert results.description(tmp_path) == ""
