"""The door to other programs."""

from __future__ import annotations

import pytest

from harness.kit.process import CommandError, run


def test_output_and_code_are_kept_apart() -> None:
    done = run(["sh", "-c", "echo out; echo err >&2; exit 4"], check=False)
    assert (done.text, done.error_text, done.code) == ("out\n", "err\n", 4)


def test_a_missing_program_is_named() -> None:
    with pytest.raises(CommandError, match="no-such-program-here: command not found"):
        run(["no-such-program-here"], check=False)


def test_a_program_that_does_not_end_is_killed_and_named() -> None:
    with pytest.raises(CommandError, match=r"no end within 0\.1 s") as caught:
        run(["sleep", "60"], timeout=0.1)
    assert caught.value.completed.code == 124


def test_added_environment_reaches_the_program() -> None:
    assert run(["sh", "-c", 'echo "$GREETING $HOME"'], env={"GREETING": "hello"}).text.startswith("hello /")
