"""``config --explain``: each value with its origin, secrets masked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from harness.cli import main as cli
from harness.config.settings_file import FILE
from harness.kit.errors import ExitCode

APACHE = "IP=192.168.178.42\nID=142\nHOSTNAME=apache\nCORES=2\nMEMORY=2048\nSWAP=512\nDISK=local-lvm:8\nBOOT=yes\n"
CONFIG = "IP=192.168.178.10\nID=110\nHOSTNAME=config\nCORES=2\nMEMORY=2048\nDISK=local-lvm:8\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "libs/apache").mkdir(parents=True)
    (tmp_path / "libs/apache/config.env").write_text(APACHE)
    (tmp_path / "config.env").write_text(CONFIG)
    monkeypatch.setenv("GITOPS_ROOT", str(tmp_path))
    monkeypatch.delenv("GITOPS_SHARE", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def settings(root: Path, content: dict[str, object]) -> None:
    path = root / FILE
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
    path.chmod(0o600)


def remember(root: Path, wanted: str, place: str) -> None:
    directory = root / "local/share/embedded"
    directory.mkdir(parents=True)
    (directory / "network.json").write_text(json.dumps({wanted: place}))


def row(output: str, key: str) -> list[str]:
    return next(line.split(maxsplit=1) for line in output.splitlines() if line.split()[:1] == [key])


def test_a_moved_address_shows_both(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remember(root, "192.168.178.0/24", "10.211.37.0/24")
    assert cli.main(["config", "--explain", "apache"]) == ExitCode.OK
    address = " ".join(row(capsys.readouterr().out, "IP")[1].split())
    assert address == "192.168.178.42/24 → 10.211.37.42/24 libs/apache/config.env:1"


def test_origins_are_file_default_and_environment(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITOPS_LOGIN", "me")
    assert cli.main(["config", "--explain"]) == ExitCode.OK
    output = capsys.readouterr().out
    assert row(output, "MEMORY")[1].split() == ["2048", "config.env:5"]
    assert row(output, "UNPRIVILEGED")[1].split() == ["yes", "default"]
    assert " ".join(row(output, "login")[1].split()) == "me environment GITOPS_LOGIN"


def test_secrets_are_masked(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proxmox = {"host": "pve.lan", "password": "pw-of-root", "gateway": "192.168.178.1"}
    settings(root, {"proxmox": proxmox, "password": "pw-of-mine"})
    for options in (["--explain"], ["--json"]):
        assert cli.main(["config", *options]) == ExitCode.OK
        output = capsys.readouterr().out
        assert "********" in output
        assert "pw-of" not in output


def test_json_holds_values_and_origins(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remember(root, "192.168.178.0/24", "10.211.37.0/24")
    assert cli.main(["config", "--json", "apache"]) == ExitCode.OK
    data = json.loads(capsys.readouterr().out)
    assert list(data["containers"]) == ["apache"]
    assert data["containers"]["apache"]["IP"] == {
        "value": "10.211.37.42/24",
        "declared": "192.168.178.42/24",
        "origin": "libs/apache/config.env:1",
    }
    assert data["settings"]["password"]["value"] is None
    assert data["target"] == "embedded"
    assert len(data["warnings"]) == 2


def test_problems_are_shown_with_file_and_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "libs/apache/config.env").write_text(APACHE.replace("ID=142", "ID=42"))
    assert cli.main(["config"]) == ExitCode.USAGE
    errors = capsys.readouterr().err
    assert "libs/apache/config.env:2" in errors
    assert "ID=142 is free" in errors


def test_problems_come_as_json_too(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "libs/apache/config.env").write_text(APACHE.replace("CORES=2", "CORES=two"))
    assert cli.main(["config", "--json"]) == ExitCode.USAGE
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["file"], problem["line"], problem["found"]) == ("libs/apache/config.env", 4, "CORES=two")


def test_a_container_that_is_not_there_is_a_usage_error(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", "--explain", "nginx"]) == ExitCode.USAGE
    assert "nginx" in capsys.readouterr().err


def test_looking_makes_no_state(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(root / "local", ignore_errors=True)
    assert cli.main(["config", "--explain"]) == ExitCode.OK
    assert not (root / "local").exists()
