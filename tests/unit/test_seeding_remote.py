"""How git signs in at a forge, and what its refusals mean."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.kit.errors import HarnessError, UnreachableError
from harness.kit.process import Completed
from harness.kit.secret import Secret
from harness.repo.remote import Remote, RemoteError, failure
from harness.repo.scratch import Pushed, Scratch

_RECORDER = """#!/bin/sh
printf '%s\\n' "$*" >> {log}
env | grep GIT_CONFIG_VALUE >> {env}
exec {git} "$@"
"""


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git that writes down how it was called."""
    real = next(place for place in os.environ["PATH"].split(":") if (Path(place) / "git").exists())
    tool = tmp_path / "bin" / "git"
    tool.parent.mkdir()
    tool.write_text(_RECORDER.format(log=tmp_path / "argv", env=tmp_path / "env", git=Path(real) / "git"))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    return tmp_path


def test_credentials_are_in_the_environment_and_in_no_command_line(recorded: Path) -> None:
    scratch = Scratch.open(recorded / "scratch.git")
    remote = Remote("http://127.0.0.1:9", Secret("Basic c2VjcmV0"))
    with pytest.raises(UnreachableError, match="does not answer"):
        scratch.fetch(remote, "main/config", "main")
    assert "Basic c2VjcmV0" in (recorded / "env").read_text()
    assert "c2VjcmV0" not in (recorded / "argv").read_text()
    assert "127.0.0.1:9/main/config.git" in (recorded / "argv").read_text()


def test_a_forges_own_authority_is_trusted_by_name(tmp_path: Path) -> None:
    environment = Remote("https://forge", ca=tmp_path / "ca.pem").environment()
    pairs = {environment[f"GIT_CONFIG_KEY_{n}"]: environment[f"GIT_CONFIG_VALUE_{n}"] for n in range(3)}
    assert pairs == {"http.proxy": "", "credential.helper": "", "http.sslCAInfo": str(tmp_path / "ca.pem")}


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("fatal: unable to access 'http://x/': Failed to connect to x port 80", UnreachableError),
        ("fatal: Authentication failed for 'http://x/main/config.git/'", UnreachableError),
        ("fatal: repository 'http://x/main/config.git/' not found", RemoteError),
    ],
)
def test_refusals_are_told_apart(said: str, kind: type[HarnessError]) -> None:
    assert isinstance(failure("push", Completed(("git",), 128, b"", said.encode(), 0.1)), kind)


def test_a_branch_that_moved_meanwhile_is_refused_and_the_others_move(tmp_path: Path) -> None:
    scratch = Scratch.open(tmp_path / "scratch.git")
    forge = Scratch.open(tmp_path / "forge" / "main" / "x.git")
    empty = scratch.run("hash-object", "-t", "tree", "-w", "--stdin").text.strip()
    env = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    one, two = (
        scratch.run("commit-tree", empty, "-m", text, env=env).text.strip() for text in ("one", "two of another root")
    )
    remote = Remote(f"file://{tmp_path / 'forge'}")
    assert scratch.push(remote, "main/x", {"main": one}) == (Pushed("main", None),)
    main, other = scratch.push(remote, "main/x", {"main": two, "other": two})
    assert main.refused is not None
    assert "non-fast-forward" in main.refused
    assert other.refused is None
    assert forge.ref("refs/heads/main") == one
