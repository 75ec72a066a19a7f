"""What the doctor says of machines that lack something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.cli.doctor import engine, files, packages, programs, target
from harness.cli.doctor.finding import State
from harness.config.settings import EmbeddedSettings
from harness.kit.errors import UnreachableError
from harness.kit.process import Completed

GIB = 1024**3


@dataclass
class Machine:
    """A machine as a test wants it."""

    python: tuple[int, int, int] = (3, 13, 1)
    installed: tuple[str, ...] = ("git", "ssh", "ssh-keygen")
    root: bool = True
    apt: bool = True
    free: int = 100 * GIB
    listening: tuple[int, ...] = ()
    versions: dict[str, str] = field(default_factory=lambda: {"git": "git version 2.47.1", "ssh": "OpenSSH_9.9p1, x"})

    def python_version(self) -> tuple[int, int, int]:
        return self.python

    def is_root(self) -> bool:
        return self.root

    def has_apt(self) -> bool:
        return self.apt

    def find(self, program: str) -> str | None:
        return f"/usr/bin/{program}" if program in self.installed else None

    def first_line(self, argv: Sequence[str]) -> str:
        return self.versions.get(argv[0], "")

    def free_bytes(self, directory: Path) -> int:
        return self.free

    def listens(self, host: str, port: int) -> bool:
        return port in self.listening


def states(machine: Machine) -> dict[str, State]:
    return {finding.subject: finding.state for finding in programs.check(machine, Path("state"))}


def test_a_complete_machine_is_ok() -> None:
    assert set(states(Machine()).values()) == {State.OK}


def test_versions_are_shown() -> None:
    found = {finding.subject: finding.found for finding in programs.check(Machine(), Path("state"))}
    assert found["Python"] == "3.13.1"
    assert found["git"] == "2.47.1"
    assert found["ssh"] == "9.9p1"


def test_an_old_python_is_a_problem() -> None:
    assert states(Machine(python=(3, 10, 4)))["Python"] is State.PROBLEM


def test_a_missing_ssh_names_its_package() -> None:
    machine = Machine(installed=("git",))
    missing = [finding for finding in programs.check(machine, Path("state")) if finding.state is State.PROBLEM]
    assert [finding.subject for finding in missing] == ["ssh", "ssh-keygen"]
    assert all("openssh-client" in finding.remedy for finding in missing)


@pytest.mark.parametrize(("free", "state"), [(1, State.PROBLEM), (4, State.NOTE), (20, State.OK)])
def test_disk_space_is_judged(free: int, state: State) -> None:
    assert states(Machine(free=free * GIB))["disk space"] is state


def test_root_on_debian_gets_missing_programs_installed_with_one_line_said() -> None:
    said: list[str] = []
    called: list[tuple[str, ...]] = []

    def run(argv: Sequence[str], **_: Any) -> Completed:
        called.append(tuple(argv))
        return Completed(tuple(argv), 0, b"", b"", 0.1)

    packages.install_missing(Machine(installed=("git",)), said.append, run)
    assert said == ["installing openssh-client: apt-get install openssh-client"]
    assert called[0][:2] == ("apt-get", "update")
    assert called[1][-1] == "openssh-client"


@pytest.mark.parametrize("machine", [Machine(installed=(), root=False), Machine(installed=(), apt=False), Machine()])
def test_nothing_is_installed_where_it_is_not_ours_to_do_or_not_needed(machine: Machine) -> None:
    def run(argv: Sequence[str], **_: Any) -> Completed:
        raise AssertionError(f"{argv} was run")

    said: list[str] = []
    packages.install_missing(machine, said.append, run)
    assert said == []


def test_a_missing_credentials_file_means_the_embedded_node(tmp_path: Path) -> None:
    finding = files.check_mode(tmp_path / "config.json")
    assert finding.state is State.NOTE
    assert "embedded" in finding.found


def test_a_credentials_file_that_others_may_read_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.touch(mode=0o644)
    finding = files.check_mode(path)
    assert finding.state is State.PROBLEM
    assert finding.remedy == f"chmod 600 {path}"
    path.chmod(0o600)
    assert files.check_mode(path).state is State.OK


def test_a_port_that_someone_else_has_is_a_problem_with_the_setting_to_change() -> None:
    finding = target.check_port(Machine(listening=(8006,)), EmbeddedSettings(), running=False)
    assert finding.state is State.PROBLEM
    assert '"embedded"' in finding.remedy


def test_our_own_node_on_its_port_is_fine() -> None:
    assert target.check_port(Machine(listening=(8006,)), EmbeddedSettings(), running=True).state is State.OK


def info(**changes: Any) -> dict[str, Any]:
    base = {
        "ServerVersion": "26.1.5", "Driver": "overlay2", "CgroupVersion": "2", "CgroupDriver": "systemd",
        "SecurityOptions": ["name=apparmor", "name=seccomp,profile=builtin", "name=cgroupns"],
        "OperatingSystem": "Debian GNU/Linux 13 (trixie)",
    }  # fmt: skip
    return {**base, **changes}


def test_the_engine_is_shown_with_the_options_chosen_and_why() -> None:
    findings = engine.check(info)
    assert findings[0].found == "26.1.5, storage overlay2, cgroup v2 (systemd)"
    assert any("apparmor=unconfined" in finding.subject and finding.found for finding in findings)
    assert {finding.state for finding in findings} == {State.OK}


def test_an_engine_that_cannot_do_it_is_a_problem() -> None:
    findings = engine.check(lambda: info(ServerVersion="19.3.0"))
    assert [finding.state for finding in findings] == [State.PROBLEM]


def test_a_kernel_without_memory_limits_is_said() -> None:
    notes = [finding for finding in engine.check(lambda: info(MemoryLimit=False)) if finding.state is State.NOTE]
    assert [finding.subject.strip() for finding in notes] == ["memory"]


def test_no_engine_is_a_problem_with_the_command_to_type() -> None:
    def gone() -> dict[str, Any]:
        raise UnreachableError("the Docker engine does not answer", hint="systemctl start docker")

    finding = engine.check(gone)[0]
    assert (finding.state, finding.remedy) == (State.PROBLEM, "systemctl start docker")
