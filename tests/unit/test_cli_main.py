"""How commands end: exit codes, one clear line, no secret and no traceback on the terminal."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main
from harness.kit.errors import ConfigurationError, HarnessError, Problem, UnreachableError
from harness.kit.secret import Secret


class Fake:
    """A command that does what a test wants."""

    def __init__(self, act: Callable[[], int]) -> None:
        self.act = act

    def add_parser(self, subparsers: main.Subparsers) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = subparsers.add_parser("plan")
        return parser

    def run(self, options: argparse.Namespace) -> int:
        return self.act()


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Callable[[], int]], int]:
    """Exit code of a command that does this."""
    (tmp_path / "libs").mkdir()
    (tmp_path / "config.env").touch()
    monkeypatch.setenv("GITOPS_ROOT", str(tmp_path))
    monkeypatch.setenv("GITOPS_SHARE", str(tmp_path / "share"))

    def run(act: Callable[[], int]) -> int:
        return main.main(["plan"], load=lambda _: Fake(act))

    return run


def raising(error: BaseException) -> Callable[[], int]:
    def act() -> int:
        raise error

    return act


def test_a_commands_code_is_passed_through(ends: Callable[[Callable[[], int]], int]) -> None:
    assert ends(lambda: 10) == 10


def test_an_error_is_one_line_and_its_hint(
    ends: Callable[[Callable[[], int]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends(raising(UnreachableError("pve does not answer", hint="switch it on"))) == 3
    assert capsys.readouterr().err.splitlines() == ["error: pve does not answer", "hint: switch it on"]


def test_every_problem_of_the_configuration_is_shown_at_once(
    ends: Callable[[Callable[[], int]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    problems = [
        Problem(Path("libs/a/config.env"), 3, "ID is 42", "100 and up", "ID=114"),
        Problem(Path("libs/b/config.env"), 1, "IP is x", "an address"),
    ]
    assert ends(raising(ConfigurationError(problems))) == 2
    shown = capsys.readouterr().err
    for expected in ("libs/a/config.env:3", "ID is 42", "100 and up", "ID=114", "libs/b/config.env:1", "2 problems"):
        assert expected in shown


def test_a_defect_is_short_on_the_terminal_and_whole_in_a_private_file(
    ends: Callable[[Callable[[], int]], int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    secret = Secret("correct-horse")
    assert ends(raising(ValueError(f"bad {secret.reveal()}"))) == 1
    shown = capsys.readouterr().err
    assert "unexpected ValueError: bad ********" in shown
    assert "Traceback" not in shown
    log = tmp_path / "share" / "last-error.log"
    assert "Traceback" in log.read_text()
    assert "correct-horse" not in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_ctrl_c_is_130(ends: Callable[[Callable[[], int]], int]) -> None:
    assert ends(raising(KeyboardInterrupt())) == 130


def test_evidence_is_shown_by_its_tail(
    ends: Callable[[Callable[[], int]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    log = "\n".join(f"line {number}" for number in range(100))
    assert ends(raising(HarnessError("the task failed", detail=log))) == 1
    shown = capsys.readouterr().err
    assert "line 99" in shown
    assert "line 50" not in shown


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main([name, "--help"]) == 0
    assert name in capsys.readouterr().out


def test_an_unknown_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["deplyo"]) == 2
    assert "deploy" in capsys.readouterr().err


def test_an_option_that_nobody_knows_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["down", "--al1"]) == 2
    assert "--al1" in capsys.readouterr().err
