"""Connections over a stand-in for ssh whose container is this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.kit.clock import Deadline
from harness.remote import errors
from harness.remote.connection import Connection, connect
from harness.remote.master import sweep
from harness.remote.pool import Pool

REFUSED = "ssh: connect to host 10.9.8.7 port 22: Connection refused"
DENIED = "root@10.9.8.7: Permission denied (publickey)."


class QuickClock:
    """Real enough for order, too quick to wait for: a sleep moves it on and returns at once."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def now(self):  # type: ignore[no-untyped-def]
        raise NotImplementedError

    def sleep(self, seconds: float) -> None:
        self.ahead += seconds


class FakeSsh:
    def __init__(self, directory: Path) -> None:
        self.program = directory / "ssh"
        shutil.copy(Path(__file__).with_name("remote_fake_ssh.sh"), self.program)
        self.program.chmod(0o755)
        self.known_hosts = directory / "share" / "known_hosts"
        self.opened: list[Connection] = []

    def refuse(self, *messages: str) -> None:
        (self.program.parent / "refusals").write_text("".join(f"{message}\n" for message in messages))

    @property
    def attempts(self) -> int:
        return len((self.program.parent / "attempts").read_text().splitlines())

    def connect(self, *, first_contact: bool = False, seconds: float = 60) -> Connection:
        made = connect(
            "10.9.8.7",
            "root",
            key=self.program.parent / "111",
            known_hosts=self.known_hosts,
            deadline=Deadline(seconds, QuickClock()),
            first_contact=first_contact,
            program=str(self.program),
        )
        self.opened.append(made)
        return made


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[FakeSsh]:
    fake = FakeSsh(tmp_path)
    yield fake
    for connection in fake.opened:
        connection.close()


def break_master(connection: Connection) -> None:
    """Kill the process that holds the connection, as a network failure would end it."""
    running = connection._master._process
    running.kill()
    running.wait()


def test_a_command_gets_its_input_and_gives_both_outputs_and_its_code(ssh: FakeSsh) -> None:
    done = ssh.connect().run("cat; echo no >&2; exit 3", stdin=b"yes", check=False)
    assert (done.code, done.stdout, done.stderr) == (3, b"yes", b"no\n")


def test_many_commands_share_one_connection(ssh: FakeSsh) -> None:
    connection = ssh.connect()
    assert [connection.run(f"echo {number}").text for number in range(3)] == ["0\n", "1\n", "2\n"]
    assert ssh.attempts == 1


def test_a_failed_command_names_the_place_the_code_and_the_last_line(ssh: FakeSsh) -> None:
    with pytest.raises(errors.RemoteCommandError, match=r"root@10\.9\.8\.7: false-ish.* ended with 127") as caught:
        ssh.connect().run("false-ish")
    assert caught.value.completed.code == 127


def test_code_255_of_a_command_is_its_own(ssh: FakeSsh) -> None:
    assert ssh.connect().run("exit 255", check=False).code == 255


def test_a_late_command_is_ended_and_said_to_be_late(ssh: FakeSsh) -> None:
    with pytest.raises(errors.RemoteCommandError, match=r"no end within 0\.1 s"):
        ssh.connect().run("sleep 60", timeout=0.1, check=False)


def test_lines_are_handed_on_while_they_come(ssh: FakeSsh) -> None:
    lines: list[str] = []
    done = ssh.connect().run("echo one; echo two >&2; cat", stdin=b"three", on_line=lines.append)
    assert sorted(lines) == ["one", "three", "two"]
    assert done.stdout == b"one\nthree"


def test_a_listener_that_fails_does_not_block_the_command(ssh: FakeSsh) -> None:
    def refuse(line: str) -> None:
        raise ValueError(line)

    with pytest.raises(ValueError, match="1"):
        ssh.connect().run("seq 100000", on_line=refuse)


def test_refused_connections_are_waited_out(ssh: FakeSsh) -> None:
    ssh.refuse(REFUSED, REFUSED)
    assert ssh.connect().run("echo up").text == "up\n"
    assert ssh.attempts == 3


def test_the_deadline_ends_the_waiting_with_the_last_word_of_ssh(ssh: FakeSsh) -> None:
    ssh.refuse(*[REFUSED] * 500)
    with pytest.raises(errors.RemoteUnreachable, match=r"within 2 s.*Connection refused"):
        ssh.connect(seconds=2)


def test_a_refused_login_gets_a_short_grace(ssh: FakeSsh) -> None:
    ssh.refuse(DENIED)
    assert ssh.connect().run("echo in").text == "in\n"


def test_a_login_that_stays_refused_ends_early(ssh: FakeSsh) -> None:
    ssh.refuse(*[DENIED] * 9)
    with pytest.raises(errors.LoginRefused, match="does not accept the key 111"):
        ssh.connect()
    assert ssh.attempts == 2


def test_a_changed_host_key_ends_the_first_try(ssh: FakeSsh) -> None:
    ssh.refuse("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @")
    with pytest.raises(errors.HostKeyChanged):
        ssh.connect()
    assert ssh.attempts == 1


def test_a_first_contact_pins_what_it_learned(ssh: FakeSsh) -> None:
    ssh.connect(first_contact=True)
    assert ssh.known_hosts.read_text() == "10.9.8.7 ssh-ed25519 AAAA\n"


def test_later_contacts_pin_nothing(ssh: FakeSsh) -> None:
    ssh.connect()
    assert not ssh.known_hosts.exists()


def test_a_connection_found_broken_is_made_anew(ssh: FakeSsh) -> None:
    connection = ssh.connect()
    break_master(connection)
    assert connection.run("echo again").text == "again\n"
    assert ssh.attempts == 2


def test_a_master_without_its_socket_is_replaced_before_the_command_runs(ssh: FakeSsh, tmp_path: Path) -> None:
    connection = ssh.connect()
    connection._master.socket.unlink()
    connection.run(f"echo ran >> {tmp_path}/ran")
    assert (tmp_path / "ran").read_text() == "ran\n"


def test_a_command_that_was_cut_off_is_not_run_twice(ssh: FakeSsh, tmp_path: Path) -> None:
    connection = ssh.connect()
    pid = connection._master._process.pid
    dead = f"until ! grep -qs '^State:.[RSDT]' /proc/{pid}/status; do :; done"
    with pytest.raises(errors.ConnectionLost):
        connection.run(f"echo ran >> {tmp_path}/ran; kill -9 {pid}; {dead}; exit 255")
    assert (tmp_path / "ran").read_text() == "ran\n"


def test_threads_share_a_connection(ssh: FakeSsh) -> None:
    connection = ssh.connect()
    heard: list[str] = []
    threads = [threading.Thread(target=lambda: heard.append(connection.run("echo x").text)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == ["x\n"] * 12
    assert ssh.attempts == 1


def test_closing_leaves_no_process_and_no_socket(ssh: FakeSsh) -> None:
    connection = ssh.connect()
    directory, running = connection._master.socket.parent, connection._master._process
    connection.close()
    connection.close()
    assert running.returncode is not None
    assert not directory.exists()
    with pytest.raises(errors.RemoteError, match="closed"):
        connection.run("true")


def test_the_master_ends_with_the_pipe_that_ties_it_to_us(ssh: FakeSsh) -> None:
    running = ssh.connect()._master._process
    assert running.stdin is not None
    running.stdin.close()
    assert running.wait(10) == 0


def test_the_socket_lies_in_a_private_directory_with_a_short_name(ssh: FakeSsh) -> None:
    socket = ssh.connect()._master.socket
    assert socket.parent.stat().st_mode & 0o777 == 0o700
    assert len(str(socket)) + 17 < 108


def test_what_a_killed_process_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    left, held, other = (tmp_path / f"gitops-ssh-{name}" for name in (f"{ended.pid}-a", f"{os.getpid()}-b", "notes"))
    for directory in (left, held, other):
        directory.mkdir()
    sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([held, other])


def test_put_stores_bytes(ssh: FakeSsh, tmp_path: Path) -> None:
    ssh.connect().put(b"\x00data", str(tmp_path / "file"), mode="0600")
    assert (tmp_path / "file").read_bytes() == b"\x00data"


def test_put_into_a_missing_directory_fails(ssh: FakeSsh, tmp_path: Path) -> None:
    with pytest.raises(errors.RemoteCommandError):
        ssh.connect().put(b"data", str(tmp_path / "missing" / "file"))


def test_a_session_stays_open_for_questions(ssh: FakeSsh) -> None:
    session = ssh.connect().session("cat")
    assert session.stdin is not None
    assert session.stdout is not None
    with session.stdin, session.stdout:
        session.stdin.write(b"question\n")
        session.stdin.flush()
        assert session.stdout.readline() == b"question\n"
    assert session.wait(10) == 0


def test_a_pool_without_a_key_file_still_says_what_ssh_said(tmp_path: Path) -> None:
    pool = Pool(tmp_path, tmp_path / "known_hosts")
    with pytest.raises(errors.RemoteError, match=r"127\.0\.0\.1"):
        pool.get(111, "127.0.0.1", "nobody", deadline=Deadline(0.0))
    pool.close()
