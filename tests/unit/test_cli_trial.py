"""A throw-away container has a world of its own: no host, no port, name or state of the user's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli import trial
from harness.config.settings_file import load_settings
from harness.kit.errors import UsageError


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose settings name a real host."""
    for name, text in {
        "config.env": "IP=10.1.1.10\nID=110\nHOSTNAME=config\n",
        "libs/apache/config.env": "IP=10.1.1.13\nID=113\nHOSTNAME=apache\nNEEDS=broker\n",
        "libs/apache/recipes/default.rb": "package 'apache2'\n",
        "libs/apache/__pycache__/x.pyc": "",
        "libs/helpers/libraries/common.rb": "module Common; end\n",
        "libs/broker/config.env": "IP=10.1.1.11\nID=111\nHOSTNAME=broker\n",
        "local/config.json": json.dumps({"proxmox": {"host": "pve.example.org", "password": "hunter22"}}),
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "local/config.json").chmod(0o600)
    monkeypatch.setenv("GITOPS_ROOT", str(tmp_path))
    monkeypatch.delenv("GITOPS_SHARE", raising=False)
    return tmp_path


def test_the_trials_settings_name_no_host_and_a_node_of_its_own(repository: Path) -> None:
    made = trial.prepare(repository, "apache")
    settings = load_settings(made.root, trial.child_environment(made, {}))
    assert settings.proxmox.host is None
    assert settings.proxmox.password is None
    assert settings.embedded.name != "gitops"
    assert settings.embedded.port != 8006


def test_a_host_in_the_callers_environment_does_not_reach_the_trial(repository: Path) -> None:
    made = trial.prepare(repository, "apache")
    environ = trial.child_environment(made, {"GITOPS_PROXMOX_HOST": "pve.example.org", "PATH": "/bin"})
    assert load_settings(made.root, environ).proxmox.host is None
    assert environ["PATH"] == "/bin"


def test_the_trials_state_is_not_the_users(repository: Path) -> None:
    made = trial.prepare(repository, "apache")
    environ = trial.child_environment(made, {})
    assert Path(environ["GITOPS_SHARE"]).is_relative_to(made.directory)
    assert not made.node_state.is_relative_to(repository / "local/share/embedded")


def test_the_trial_has_the_one_library_and_waits_for_no_other(repository: Path) -> None:
    made = trial.prepare(repository, "apache")
    assert {path.name for path in (made.root / "libs").iterdir()} == {"apache", "helpers"}
    assert "NEEDS" not in (made.root / "libs/apache/config.env").read_text()
    assert not (made.root / "libs/apache/__pycache__").exists()


def test_a_saved_file_reaches_the_copy_and_a_removed_one_leaves_it(repository: Path) -> None:
    made = trial.prepare(repository, "apache")
    (made.source / "recipes/default.rb").unlink()
    (made.source / "recipes/other.rb").write_text("package 'curl'\n")
    trial.copy_library(made)
    assert [path.name for path in (made.root / "libs/apache/recipes").iterdir()] == ["other.rb"]


def test_an_unknown_library_is_refused_with_the_ones_there_are(repository: Path) -> None:
    with pytest.raises(UsageError) as caught:
        trial.prepare(repository, "apach")
    assert caught.value.hint == "there are: apache, broker"


@pytest.mark.parametrize("name", ["apache", "a-very-long-name-of-a-library"])
def test_the_nodes_name_is_one_that_settings_accept(name: str) -> None:
    assert len(trial.instance(Path("one"), name)) <= 24
    assert trial.instance(Path("one"), name).startswith("trial-")


def test_two_checkouts_try_the_same_library_at_once() -> None:
    assert trial.instance(Path("one"), "apache") != trial.instance(Path("two"), "apache")
