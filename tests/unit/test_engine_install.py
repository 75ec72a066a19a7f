"""Who may install and start Docker, and what the others are told to type."""

from __future__ import annotations

import errno
import socket
from dataclasses import replace

import pytest
import requests
from docker import errors as docker_errors

from harness.embedded.engine import client, daemon, install, rootfs
from harness.embedded.engine.install import Machine
from harness.kit.clock import Deadline, wait_until
from harness.kit.errors import UnreachableError
from harness.kit.process import CommandError, Completed

BARE = Machine(root=False, apt=True, systemd=True, dockerd=False, remote=False)
MISSING = UnreachableError("nothing answers")


class Recorder:
    """A runner that writes down what it is asked to run."""

    def __init__(self, fails: str = "") -> None:
        self.lines: list[str] = []
        self.fails = fails

    def __call__(self, argv, **options):
        self.lines.append(" ".join(argv))
        done = Completed(tuple(argv), 100 if self.fails and self.fails in self.lines[-1] else 0, b"", b"no route", 0.0)
        if done.code:
            raise CommandError(done)
        return done


@pytest.mark.parametrize(
    ("machine", "hint"),
    [
        (BARE, "sudo apt-get update && sudo apt-get install -y docker.io"),
        (replace(BARE, dockerd=True), "sudo systemctl start docker"),
        (replace(BARE, dockerd=True, systemd=False), "sudo dockerd &"),
        (replace(BARE, apt=False, root=True), install.ELSEWHERE),
    ],
)
def test_who_may_not_mend_it_is_told_what_to_type(machine, hint):
    with pytest.raises(UnreachableError) as error:
        install.next_step(machine, MISSING)
    assert error.value.hint == hint
    assert error.value.__cause__ is MISSING


@pytest.mark.parametrize("machine", [replace(BARE, root=True), replace(BARE, root=True, dockerd=True, apt=False)])
def test_root_may_go_on(machine):
    assert install.next_step(machine, MISSING) is None


def test_installing_says_so_in_one_line():
    said, runner = [], Recorder()
    install.install(said.append, runner)
    assert said == ["installing the Docker engine: apt-get install docker.io"]
    assert runner.lines[-1] == "apt-get install -y -q docker.io"


def test_a_failing_apt_ends_with_the_command_to_type():
    with pytest.raises(UnreachableError) as error:
        install.install(lambda _line: None, Recorder(fails="install"))
    assert error.value.hint == install.INSTALL_COMMAND
    assert error.value.detail == "no route"


def test_with_systemd_the_unit_is_started(tmp_path):
    runner = Recorder()
    install.start(replace(BARE, root=True), lambda _line: None, tmp_path, runner)
    assert runner.lines == ["systemctl start docker"]


@pytest.mark.parametrize(
    ("text", "debian"),
    [
        ('ID=debian\nVERSION_ID="13"\n', True),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', True),
        ("ID=fedora\nID_LIKE=rhel\n", False),
    ],
)
def test_apt_belongs_to_debian_and_its_children(tmp_path, text, debian):
    file = tmp_path / "os-release"
    file.write_text(text)
    assert install.is_debian_like(file) is debian
    assert not install.is_debian_like(tmp_path / "missing")


def test_a_refused_socket_is_told_from_a_missing_engine():
    refused = requests.exceptions.ConnectionError(OSError(errno.EACCES, "Permission denied"))
    assert client.unreachable("Docker", refused).hint == client.GROUP_HINT
    missing = requests.exceptions.ConnectionError(FileNotFoundError(errno.ENOENT, "No such file"))
    assert client.unreachable("Docker", missing).hint == client.START_HINT


def test_the_engines_refusals_keep_their_words():
    with pytest.raises(client.EngineError, match=r"network x: pool overlaps"), client.translated("network x"):
        raise docker_errors.APIError("500", explanation="pool overlaps")


def test_an_engine_elsewhere_that_does_not_answer_is_unreachable(monkeypatch, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as closing:
        port = closing.getsockname()[1]
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
    with pytest.raises(UnreachableError, match="does not answer"):
        install.ensure_engine(lambda _line: None, tmp_path, run=Recorder())


def test_a_daemon_outlives_its_starter_and_writes_its_log(tmp_path):
    log = tmp_path / "a log"
    pid = daemon.start_daemon(["echo", "it's $HOME"], log)
    assert pid > 1
    wait_until(lambda: log.exists() and log.read_text(), Deadline(5), "the daemon's word")
    assert log.read_text() == "it's $HOME\n"


def test_a_root_file_system_that_cannot_be_made_names_both_ways(tmp_path, monkeypatch):
    monkeypatch.setattr(rootfs.shutil, "which", lambda _name: "/usr/bin/mmdebstrap")
    with pytest.raises(UnreachableError) as error:
        rootfs.debootstrap("trixie", ["dbus"], tmp_path / "x.tar", lambda _line: None, run=Recorder(fails="trixie"))
    assert "docker pull debian:13" in str(error.value.hint)
    assert "deb.debian.org" in str(error.value.hint)
