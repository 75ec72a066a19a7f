"""How far ``local`` goes by itself, and the password that it makes."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from harness.cli import local_command, planning
from harness.kit.errors import UsageError
from tests.unit import cli_world as world


@pytest.mark.parametrize(
    ("option", "told", "harmless", "accepts", "inside"),
    [
        (None, None, True, True, False),
        (None, None, False, False, False),
        (None, True, False, True, True),
        (None, False, True, False, False),
        (True, None, False, True, False),
        (True, False, False, True, False),
        (True, True, False, True, True),
        (False, True, True, False, False),
    ],
)
def test_how_far_it_goes(option: bool | None, told: bool | None, harmless: bool, accepts: bool, inside: bool) -> None:
    assert local_command.how_far(option, told, harmless=harmless) == (accepts, inside)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose workspace opens without a node."""
    world.lay_out(tmp_path)
    monkeypatch.setenv("GITOPS_ROOT", str(tmp_path))
    monkeypatch.delenv("GITOPS_SHARE", raising=False)
    monkeypatch.setattr(planning, "open_workspace", lambda options: world.workspace(tmp_path))
    return tmp_path


def opened(capsys: pytest.CaptureFixture[str], *, fails: bool = False) -> tuple[str, str]:
    """The password, and what opening a workspace and working with it shows."""
    with local_command.password_shown(argparse.Namespace()) as workspace:
        password = workspace.password.reveal()
        if fails:
            raise UsageError("something went wrong")
    return password, capsys.readouterr().out


def test_a_made_password_is_shown_once_and_lies_in_a_private_file(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    password, first = opened(capsys)
    assert password in first
    assert "local/share/embedded/login.json" in first
    assert (root / "local/share/embedded/login.json").stat().st_mode & 0o777 == 0o600
    again, second = opened(capsys)
    assert (again, second) == (password, "")


def test_a_made_password_is_shown_when_the_run_fails_too(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError):
        opened(capsys, fails=True)
    assert "shown this once" in capsys.readouterr().out


def test_a_configured_password_is_not_shown(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = root / "local" / "config.json"
    settings.parent.mkdir()
    settings.write_text('{"password": "of my own choice"}')
    settings.chmod(0o600)
    assert opened(capsys) == ("of my own choice", "")
