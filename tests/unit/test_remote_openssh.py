"""The words exchanged with OpenSSH, without OpenSSH."""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

import pytest

from harness.kit.process import Completed
from harness.kit.secret import Secret
from harness.remote import errors, openssh
from harness.remote.openssh import Door

DOOR = Door("10.9.8.7", "config", Path("/s/keys/111"), Path("/s/known_hosts"))
SOCKET = Path("/t/mux")


def options(argv: list[str]) -> dict[str, str]:
    return dict(value.split("=", 1) for flag, value in itertools.pairwise(argv) if flag == "-o")


def master(door: Door = DOOR, learn: Path | None = None) -> dict[str, str]:
    return options(openssh.master_argv(door, SOCKET, "cat", connect_seconds=5, learn=learn))


def test_a_known_container_must_show_the_pinned_key() -> None:
    given = master()
    assert given["StrictHostKeyChecking"] == "yes"
    assert given["UserKnownHostsFile"] == '"/s/known_hosts"'
    assert given["GlobalKnownHostsFile"] == "/dev/null"


def test_a_first_contact_notes_an_unknown_key_beside_the_known_ones() -> None:
    given = master(learn=Path("/t/learned"))
    assert given["StrictHostKeyChecking"] == "accept-new"
    assert given["UserKnownHostsFile"] == '"/t/learned" "/s/known_hosts"'


def test_no_argument_ever_switches_host_key_checking_off() -> None:
    for learn in (None, Path("/t/learned")):
        assert master(learn=learn)["StrictHostKeyChecking"] in {"yes", "accept-new"}


def test_only_the_containers_key_is_offered_and_nothing_is_asked() -> None:
    given = master()
    assert given["IdentityFile"] == '"/s/keys/111"'
    assert (given["IdentitiesOnly"], given["IdentityAgent"], given["BatchMode"]) == ("yes", "none", "yes")


def test_the_users_own_ssh_configuration_is_left_out() -> None:
    argv = openssh.master_argv(DOOR, SOCKET, "cat", connect_seconds=5, learn=None)
    assert argv[argv.index("-F") + 1] == "none"


def test_paths_with_spaces_and_percent_signs_stay_what_they_are() -> None:
    door = Door("10.9.8.7", "config", Path("/my dir/100%h/key"), Path("/my dir/known"))
    assert master(door)["IdentityFile"] == '"/my dir/100%%h/key"'


def test_a_session_never_opens_a_connection_of_its_own() -> None:
    given = options(openssh.session_argv(DOOR, SOCKET, "true", gone=Path("/t/gone-1")))
    assert given["ProxyCommand"] == "touch /t/gone-1"
    assert given["ControlMaster"] == "no"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("ssh: connect to host 10.9.8.7 port 22: Connection refused", errors.RemoteUnreachable),
        ("ssh: connect to host 10.9.8.7 port 22: No route to host", errors.RemoteUnreachable),
        ("", errors.RemoteUnreachable),
        ("config@10.9.8.7: Permission denied (publickey).", errors.LoginRefused),
        ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.", errors.HostKeyChanged),
        ("No ED25519 host key is known for 10.9.8.7 and you have requested strict checking.", errors.HostKeyUnknown),
    ],
)
def test_what_ssh_says_becomes_one_kind_of_error(said: str, kind: type[errors.RemoteError]) -> None:
    assert type(openssh.failure(DOOR, said)) is kind


def test_a_changed_host_key_names_the_file_and_the_remedy() -> None:
    error = openssh.failure(DOOR, "REMOTE HOST IDENTIFICATION HAS CHANGED!")
    assert "10.9.8.7" in str(error)
    assert "/s/known_hosts" in (error.hint or "")


def test_root_needs_no_sudo() -> None:
    assert openssh.remote_command("id", user="root", sudo=True, timeout=None) == "sh -c id"


def test_others_become_root_without_being_asked_for_a_password() -> None:
    text = openssh.remote_command("id -u", user="config", sudo=True, timeout=None)
    assert text == "sudo -n -- sh -c 'id -u'"


def test_the_container_itself_ends_a_late_command() -> None:
    text = openssh.remote_command("sleep 9", user="root", sudo=False, timeout=2.5)
    assert text == "timeout --kill-after=5 2.5 sh -c 'sleep 9'"


def store(target: Path, data: bytes, size: int) -> int:
    command = openssh.put_command(str(target), size=size, mode="0640")
    return subprocess.run(["sh", "-c", command], input=data, check=False).returncode


def test_a_file_is_stored_with_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "it's a file"
    assert store(target, b"whole", 5) == 0
    assert target.read_bytes() == b"whole"
    assert target.stat().st_mode & 0o777 == 0o640


def test_half_a_file_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    assert store(target, b"who", 5) != 0
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_errors_show_no_secret() -> None:
    Secret("correct-horse")
    done = Completed(("config@10.9.8.7", "x"), 1, b"", b"login correct-horse failed", 0.0)
    error = errors.RemoteCommandError("config@10.9.8.7", "login correct-horse", done)
    assert "correct-horse" not in f"{error} {error.detail}"
    assert "login ********" in str(error)
