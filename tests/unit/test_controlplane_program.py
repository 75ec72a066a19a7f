"""What a control plane runs: the harness as an archive, its packages as wheels for another machine."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.controlplane import wheels
from harness.controlplane.kit import Kit
from harness.controlplane.program import Program
from harness.controlplane.wheels import Platform
from harness.kit import process
from harness.kit.errors import UnreachableError, UsageError
from harness.kit.process import CommandError, Completed

ROOT = Path(__file__).parents[2]
DEBIAN_13 = Platform.of("13", "amd64")


def repository(root: Path, text: str = "pass\n") -> Path:
    (root / "harness" / "inner").mkdir(parents=True)
    (root / "harness" / "__init__.py").write_text("")
    (root / "harness" / "inner" / "tool.py").write_text(text)
    (root / "harness" / "inner" / "tool.pyc").write_text("left behind")
    (root / "harness" / "run.sh").write_text("exit 0\n")
    (root / "harness" / "run.sh").chmod(0o755)
    (root / "requirements.lock").write_text("one==1 --hash=sha256:00\n")
    return root


class Pip:
    """Stands for pip(1): writes a wheel, or fails."""

    def __init__(self, *, fails: bool = False) -> None:
        self.calls: list[list[str]] = []
        self._fails = fails

    def __call__(self, argv: Sequence[str], **_: Any) -> Completed:
        self.calls.append(list(argv))
        completed = Completed(tuple(argv), int(self._fails), b"", b"no matching distribution", 0.0)
        target = Path(next(word.partition("=")[2] for word in argv if word.startswith("--dest=")))
        (target / "one-1-py3-none-any.whl").write_bytes(b"wheel")
        if self._fails:
            raise CommandError(completed)
        return completed


def test_the_archive_holds_every_file_of_the_package_and_nothing_that_tools_left(tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(Program.of(repository(tmp_path)).archive())) as tar:
        modes = {entry.name: entry.mode for entry in tar.getmembers()}
    assert modes == {
        "harness/__init__.py": 0o644,
        "harness/inner/tool.py": 0o644,
        "harness/run.sh": 0o755,
    }


def test_the_archive_of_this_harness_has_what_is_not_python() -> None:
    with tarfile.open(fileobj=io.BytesIO(Program.of(ROOT).archive())) as tar:
        endings = {Path(name).suffix for name in tar.getnames()}
    assert {".py", ".rb", ".sh", ".pl", ".json", ".j2", ".service", ".erb"} <= endings


def test_the_same_files_make_the_same_archive_wherever_they_lie(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = Program.of(repository(tmp_path / "a")), Program.of(repository(tmp_path / "b"))
    assert one.archive() == other.archive()
    assert one.digest == other.digest


def test_another_file_is_another_program(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = Program.of(repository(tmp_path / "a")), Program.of(repository(tmp_path / "b", "raise SystemExit\n"))
    assert one.digest != other.digest
    assert one.lock_digest == other.lock_digest


def test_a_repository_without_lock_file_is_refused(tmp_path: Path) -> None:
    root = repository(tmp_path)
    (root / "requirements.lock").unlink()
    with pytest.raises(UsageError, match=r"requirements\.lock"):
        Program.of(root)


@pytest.mark.parametrize(
    ("release", "architecture", "python", "newest"),
    [
        ("13", "amd64", "3.13", "manylinux_2_41_x86_64"),
        ("13", "aarch64", "3.13", "manylinux_2_41_aarch64"),
        ("12", "x86_64", "3.11", "manylinux_2_36_x86_64"),
    ],
)
def test_a_platform_has_its_debians_python_and_c_library(
    release: str, architecture: str, python: str, newest: str
) -> None:
    platform = Platform.of(release, architecture)
    assert platform.python == python
    assert platform.tags[0] == newest
    assert f"manylinux2014_{platform.machine}" in platform.tags
    assert platform.tags[-1] == "any"


def test_a_release_whose_python_is_not_known_is_refused() -> None:
    with pytest.raises(UsageError, match="Debian 11"):
        Platform.of("11", "amd64")


def test_wheels_are_fetched_once_for_lock_python_and_machine(tmp_path: Path) -> None:
    program, pip = Program.of(repository(tmp_path)), Pip()
    said: list[str] = []
    first = wheels.ensure(program, DEBIAN_13, [tmp_path / "cache"], said.append, run=pip)
    again = wheels.ensure(program, DEBIAN_13, [tmp_path / "cache"], said.append, run=pip)
    assert first == again
    assert [path.name for path in first.iterdir()] == ["one-1-py3-none-any.whl"]
    assert len(pip.calls) == len(said) == 1
    wheels.ensure(program, Platform.of("12", "amd64"), [tmp_path / "cache"], said.append, run=pip)
    assert len(pip.calls) == 2


def test_pip_is_asked_for_hashes_and_for_nothing_that_must_be_built(tmp_path: Path) -> None:
    command = wheels.download_command(DEBIAN_13, tmp_path)
    assert {"--require-hashes", "--only-binary=:all:", "--no-deps", "--python-version=3.13"} <= set(command)


def test_wheels_of_a_control_plane_are_used_where_no_network_is(tmp_path: Path) -> None:
    program, pip = Program.of(repository(tmp_path)), Pip()
    there = tmp_path / "installed" / wheels.folder_name(program, DEBIAN_13)
    there.mkdir(parents=True)
    found = wheels.ensure(program, DEBIAN_13, [tmp_path / "cache", tmp_path / "installed"], lambda _: None, run=pip)
    assert found == there
    assert pip.calls == []


def test_wheels_that_cannot_be_fetched_leave_nothing_behind(tmp_path: Path) -> None:
    program, pip = Program.of(repository(tmp_path)), Pip(fails=True)
    with pytest.raises(UnreachableError, match="packages could not be fetched") as failed:
        wheels.ensure(program, DEBIAN_13, [tmp_path / "cache"], lambda _: None, run=pip)
    assert "package index" in str(failed.value.hint)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_the_kit_has_all_that_its_script_reads(tmp_path: Path) -> None:
    program = Program.of(repository(tmp_path))
    folder = wheels.ensure(program, DEBIAN_13, [tmp_path / "cache"], lambda _: None, run=Pip())
    release = tmp_path / "gitea.xz"
    release.write_bytes(b"packed")
    files = dict(Kit(program, DEBIAN_13, folder, (release,)).files())
    script = files["install.sh"].decode()
    read = {word.removeprefix('"$from/').rstrip('")') for word in script.split() if word.startswith('"$from/')}
    assert {name.partition("/")[0] for name in read} <= {name.partition("/")[0] for name in files}


def test_the_scripts_are_valid_shell() -> None:
    scripts = list((ROOT / "harness/controlplane/cookbook/files").glob("*.sh"))
    assert scripts
    for script in scripts:
        process.run(["sh", "-n", str(script)])
