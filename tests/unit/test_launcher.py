"""``./run`` and the sessions pass on what the command says, and stay out of its output."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.kit.clock import Deadline, wait_until

ROOT = Path(__file__).parents[2]
_COPIED = ("run", "noxfile.py", "requirements.lock", "local/run.sh")
# In place of the harness: shows its arguments, ends with the code in CODE, or waits and ends cleanly on Ctrl-C.
_COMMAND = """
import os, pathlib, sys, time
print("called", *sys.argv[1:], flush=True)
if os.environ.get("CODE"):
    sys.exit(int(os.environ["CODE"]))
try:
    pathlib.Path("waiting").touch()
    time.sleep(30)
except KeyboardInterrupt:
    time.sleep(1)  # longer than nox gives a child by default
    print("cleaned up", flush=True)
    sys.exit(130)
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The launcher and the sessions, with a stand-in for the harness and an environment that is complete."""
    for name in _COPIED:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    (tmp_path / "harness").mkdir()
    (tmp_path / "harness" / "__main__.py").write_text(_COMMAND)
    venv = tmp_path / ".venv"
    (venv / "bin").mkdir(parents=True)
    for program in ("python", "nox"):
        (venv / "bin" / program).write_text(f'#!/bin/sh\nexec "{Path(sys.executable).with_name(program)}" "$@"\n')
        (venv / "bin" / program).chmod(0o755)
    (venv / ".complete").touch()
    digest = subprocess.run(["sha256sum", tmp_path / "requirements.lock"], capture_output=True, text=True, check=True)
    (venv / ".installed").write_text(digest.stdout.split()[0])
    return tmp_path


def call(copy: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """A program of the copy, with a harness that ends with ``code``."""
    env = {**os.environ, "CODE": str(code)}
    return subprocess.run(words, cwd=copy, env=env, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("code", [0, 1, 2, 3, 10, 130])
def test_the_launcher_ends_with_the_commands_code(copy: Path, code: int) -> None:
    assert call(copy, "./run", "plan", code=code).returncode == code


@pytest.mark.parametrize("code", [0, 3, 10])
def test_plain_nox_ends_with_the_commands_code(copy: Path, code: int) -> None:
    assert call(copy, sys.executable, "-m", "nox", "-s", "plan", "--", "broker", code=code).returncode == code


def test_only_the_commands_own_output_is_seen(copy: Path) -> None:
    done = call(copy, "./run", "deploy", "broker", "-k", "two words")
    assert done.stdout == "called deploy broker -k two words\n"
    assert done.stderr == ""


def test_the_double_dash_is_optional(copy: Path) -> None:
    assert call(copy, "./run", "plan", "--", "--json").stdout == "called plan --json\n"


def test_the_launcher_works_from_another_directory(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    env = {**os.environ, "CODE": "0"}
    done = subprocess.run([copy / "run", "plan"], cwd=elsewhere, env=env, capture_output=True, text=True, check=False)
    assert done.stdout == "called plan\n"


def test_the_usual_spelling_of_local_works(copy: Path) -> None:
    assert call(copy, "local/run.sh", "apache").stdout == "called local apache\n"


def test_without_a_session_the_sessions_are_listed(copy: Path) -> None:
    done = call(copy, "./run")
    assert done.returncode == 0
    for session in ("local", "plan", "deploy", "verify", "config", "doctor", "down", "lint", "tests", "bench"):
        assert f" {session} " in done.stdout


@pytest.mark.parametrize("word", ["lcoal", "a.b", "_command"])
def test_a_session_that_does_not_exist_is_named(copy: Path, word: str) -> None:
    done = call(copy, "./run", word)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"run: no session is called {word}; ./run lists them\n"


def test_ctrl_c_lets_the_command_end_cleanly_with_130(copy: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name != "CODE"}
    process = subprocess.Popen(
        ["./run", "deploy"], cwd=copy, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    wait_until((copy / "waiting").exists, Deadline(30), "the command waits")
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert "cleaned up" in output
    assert process.returncode == 130


def test_a_missing_python_is_named_with_what_to_type(copy: Path, tmp_path: Path) -> None:
    (copy / ".venv" / ".complete").unlink()
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("dirname", "mktemp", "tail", "rm"):
        (tools / name).symlink_to(str(shutil.which(name)))
    (tools / "id").write_text("#!/bin/sh\necho 1000\n")
    (tools / "id").chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", "run", "plan"], cwd=copy, env={"PATH": str(tools)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "apt-get install python3 python3-venv" in done.stderr
