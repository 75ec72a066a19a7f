"""The base role over a stand-in for the connection; base.sh itself runs in the end-to-end tests."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.converge import bundle
from harness.kit.errors import UsageError
from harness.kit.process import Completed
from harness.provision import base
from harness.remote.errors import RemoteCommandError

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ comment of mine"


class Container:
    def __init__(self, code: int, lines: list[str]) -> None:
        self.code = code
        self.lines = lines
        self.command = ""

    def run(
        self, command: str, *, sudo: bool, timeout: float, check: bool, on_line: Callable[[str], None]
    ) -> Completed:
        assert sudo
        self.command = command
        for line in self.lines:
            on_line(line)
        done = Completed(("ssh",), self.code, b"", b"", 1.0)
        if self.code == 124:
            raise RemoteCommandError("there", command, done)
        return done


def apply(container: Container, **options: object):  # type: ignore[no-untyped-def]
    return base.apply_base(container, public_key=KEY, upgrade=True, **options)  # type: ignore[arg-type]


def test_steps_are_reported_as_they_end() -> None:
    seen: list[base.Step] = []
    result = apply(Container(0, ["\x1eapt held 12", "noise", "\x1eusers changed 1500"]), on_step=seen.append)
    assert result.steps == (base.Step("apt", False, 0.012), base.Step("users", True, 1.5)) == tuple(seen)
    assert result.changed == ("users",)


def test_a_failing_step_is_named_with_the_end_of_its_own_output() -> None:
    lines = ["of apt", "\x1eapt changed 5", "E: mirror sync in progress", "\x1epackages failed 0"]
    with pytest.raises(base.BaseError, match="base, packages: ended with 100: E: mirror sync") as caught:
        apply(Container(100, lines))
    assert caught.value.step == "packages"
    assert caught.value.detail == "E: mirror sync in progress"


def test_no_end_in_time_is_an_error_of_the_base() -> None:
    with pytest.raises(base.BaseError, match="no end within 7 s"):
        apply(Container(124, ["\x1eapt held 1"]), timeout=7)


def test_what_the_script_is_given_survives_the_shell() -> None:
    container = Container(0, [])
    apply(container, locale="C.UTF-8", timezone="Europe/Berlin")
    first = container.command.splitlines()[0]
    assert shlex.split(first) == ["set", "--", "yes", "C.UTF-8", "Europe/Berlin", KEY, ""]


@pytest.mark.parametrize("key", ["", "not a key", f"{KEY}\n{KEY}", "-----BEGIN OPENSSH PRIVATE KEY-----"])
def test_anything_but_one_public_key_is_refused(key: str) -> None:
    with pytest.raises(UsageError, match="no public key"):
        base.apply_base(Container(0, []), public_key=key, upgrade=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("script", [base.SCRIPT, *sorted(bundle.SCRIPTS.glob("*.sh"))], ids=lambda path: path.name)
def test_scripts_are_valid_posix_shell(script: Path) -> None:
    done = subprocess.run(["sh", "-n", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


CA = "-----BEGIN CERTIFICATE-----\nMIIBfirst\nsecond+/=\n-----END CERTIFICATE-----"


class System:
    """The part of a system that the step about trust reads and writes, and the script run over it."""

    def __init__(self, path: Path) -> None:
        self.file = path / "local/gitops.crt"
        self.bundle = path / "bundle.crt"
        self.updates = path / "updates"
        self.bundle.write_text("others\n")
        text = base.SCRIPT.read_text()
        text = text.replace("/usr/local/share/ca-certificates/gitops.crt", str(self.file))
        text = text.replace("/etc/ssl/certs/ca-certificates.crt", str(self.bundle))
        tool = f"{{ cat {self.file} || :; }} > {self.bundle}; echo x >> {self.updates}"
        functions = text[: text.index("step apt apt_holds")].replace(":root", f":{self.me}")
        self.script = (
            f"{functions}\nupdate-ca-certificates() {{ {tool}; }}\nstep authority authority_holds authority_set\n"
        )

    @property
    def me(self) -> str:
        return subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()

    def apply(self, authority: str) -> str:
        argv = ["bash", "-c", self.script, "base", "no", "C.UTF-8", "Etc/UTC", KEY, authority]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        return done.stdout.strip().splitlines()[-1].split()[1]

    @property
    def updated(self) -> int:
        return len(self.updates.read_text().split()) if self.updates.exists() else 0


def test_the_authority_is_trusted_once_renewed_when_it_changes_and_let_go(tmp_path: Path) -> None:
    system = System(tmp_path)
    assert [system.apply(CA) for _ in range(2)] == ["changed", "held"]
    assert system.file.read_text() == f"{CA}\n"
    assert system.apply(CA.replace("second", "other")) == "changed"
    assert "other" in system.bundle.read_text()
    assert [system.apply("") for _ in range(2)] == ["changed", "held"]
    assert not system.file.exists()
    assert system.updated == 3


def test_a_run_that_was_cut_off_before_the_system_heard_of_it_is_made_good(tmp_path: Path) -> None:
    system = System(tmp_path)
    system.apply(CA)
    system.bundle.write_text("others\n")
    assert system.apply(CA) == "changed"
    assert "second" in system.bundle.read_text()
