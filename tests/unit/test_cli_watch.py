"""When a save is noticed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from harness.cli import watch


class Steps:
    """A clock whose every sleep does the next thing of a list."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.steps = list(steps)

    def monotonic(self) -> float:
        return 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        if self.steps:
            self.steps.pop(0)()


def nothing() -> None:
    """Let a look pass."""


def test_a_changed_file_is_noticed_once_it_stands_still(tmp_path: Path) -> None:
    recipe = tmp_path / "default.rb"
    recipe.write_text("one")
    before = watch.fingerprint(tmp_path)
    clock = Steps(nothing, lambda: recipe.write_text("half wri"), lambda: recipe.write_text("half written now"))
    after = watch.wait_for_change(tmp_path, before, clock)
    assert after == watch.fingerprint(tmp_path)
    assert after != before
    assert clock.steps == []


def test_a_new_and_a_removed_file_are_changes(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    before = watch.fingerprint(tmp_path)
    assert watch.wait_for_change(tmp_path, before, Steps((tmp_path / "b").touch)) != before
    before = watch.fingerprint(tmp_path)
    assert watch.wait_for_change(tmp_path, before, Steps((tmp_path / "a").unlink)) != before


def test_what_editors_and_python_leave_is_no_change(tmp_path: Path) -> None:
    before = watch.fingerprint(tmp_path)
    (tmp_path / ".default.rb.swp").touch()
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x.pyc").touch()
    assert watch.fingerprint(tmp_path) == before
