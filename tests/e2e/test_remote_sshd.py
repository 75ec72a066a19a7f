"""The ssh door and the specs' agent against a real sshd, in a container of the test's own."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker
import pytest
import testinfra

from harness.embedded.engine import client as engine
from harness.embedded.engine import image
from harness.kit.clock import Deadline, wait_until
from harness.remote import errors, keys
from harness.remote.connection import Connection, connect
from harness.verify.agent import Agent
from harness.verify.backend import make_host

SSHD = "sleep {pause}; mkdir -p /run/sshd; ssh-keygen -A >/dev/null; exec /usr/sbin/sshd -D"


class Server:
    """A container that only runs sshd, and the share directory of whoever reaches it."""

    def __init__(self, share: Path, number: int, pause: float = 0.0) -> None:
        self.share = share
        self.known_hosts = share / "known_hosts"
        self.pair = keys.ensure_key(share / "keys", number)
        client = docker.from_env()
        ref = image.ensure_base(engine.connect(), "13", print)
        self.container = client.containers.create(
            ref, ["sh", "-c", SSHD.format(pause=pause)], name=f"gitops-test-remote-{os.getpid()}-{number}"
        )
        self.container.put_archive("/root", _authorized_keys(self.pair.public))
        self.container.start()
        self.container.reload()
        networks: dict[str, Any] = self.container.attrs["NetworkSettings"]["Networks"]
        self.address: str = next(iter(networks.values()))["IPAddress"]

    def reach(self, *, first_contact: bool = False, user: str = "root", seconds: float = 30) -> Connection:
        return connect(
            self.address,
            user,
            key=self.pair.private,
            known_hosts=self.known_hosts,
            deadline=Deadline(seconds),
            first_contact=first_contact,
        )

    def shell(self, command: str) -> str:
        code, output = self.container.exec_run(["sh", "-c", command])
        assert code == 0, output
        return str(output.decode())

    def remove(self) -> None:
        self.container.remove(force=True, v=True)


def _authorized_keys(public: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        data = f"{public}\n".encode()
        entry = tarfile.TarInfo(".ssh/authorized_keys")
        entry.size, entry.mode = len(data), 0o600
        archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("a share"), 901)
    yield made
    made.remove()


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[Connection]:
    with server.reach(first_contact=True) as made:
        yield made


def test_it_waits_until_sshd_is_up(tmp_path: Path) -> None:
    late = Server(tmp_path, 902, pause=1.0)
    try:
        with late.reach(first_contact=True) as made:
            assert made.run("echo up").text == "up\n"
    finally:
        late.remove()


def test_commands_and_files_go_through(connection: Connection) -> None:
    data = os.urandom(2_000_000)
    connection.put(data, "/root/some file", mode="0600")
    assert connection.run("cat '/root/some file'").stdout == data
    assert connection.run("stat -c %a '/root/some file'").text == "600\n"


def test_the_first_contact_pins_one_key(server: Server, connection: Connection) -> None:
    assert connection.run("true").code == 0
    [line] = server.known_hosts.read_text().splitlines()
    shown = server.shell("cat /etc/ssh/ssh_host_ed25519_key.pub").split()[:2]
    assert line.split() == [server.address, *shown]
    assert server.known_hosts.stat().st_mode & 0o777 == 0o600


def test_later_contacts_need_the_pinned_key(server: Server, connection: Connection, tmp_path: Path) -> None:
    assert connection.run("true").code == 0
    with server.reach() as again:
        assert again.run("echo known").text == "known\n"
    with pytest.raises(errors.HostKeyUnknown):
        connect(
            server.address,
            "root",
            key=server.pair.private,
            known_hosts=tmp_path / "known_hosts",
            deadline=Deadline(10),
            first_contact=False,
        )


def test_another_machine_at_the_address_is_refused_even_at_first_contact(tmp_path: Path) -> None:
    there = Server(tmp_path, 903)
    try:
        there.reach(first_contact=True).close()
        there.shell("rm /etc/ssh/ssh_host_*; ssh-keygen -A; kill -HUP 1")
        for first_contact in (False, True):
            with pytest.raises(errors.HostKeyChanged, match="another host key"):
                there.reach(first_contact=first_contact)
        keys.forget_host(there.known_hosts, there.address)
        with there.reach(first_contact=True) as anew:
            assert anew.run("echo anew").text == "anew\n"
    finally:
        there.remove()


def test_a_connection_cut_by_the_server_is_made_anew(server: Server, connection: Connection) -> None:
    connection.run("true")
    server.shell("pkill -KILL -f '^sshd-session|^sshd: root' || true")
    assert connection.run("echo again").text == "again\n"


def test_several_may_reach_it_at_once(server: Server, connection: Connection) -> None:
    assert connection.run("true").code == 0

    def work(number: int) -> str:
        with server.reach() as own:
            return own.run(f"echo {number}").text

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [f"{number}\n" for number in range(4)]


KILLED = """
import sys, time
from pathlib import Path
from harness.kit.clock import Deadline
from harness.remote.connection import connect
address, key, known_hosts = sys.argv[1:]
paths = {"key": Path(key), "known_hosts": Path(known_hosts)}
held = connect(address, "root", **paths, deadline=Deadline(30), first_contact=False)
print(held._master._process.pid, flush=True)
held.run("sleep 600")
"""


def test_a_killed_run_leaves_no_connection_behind(server: Server, connection: Connection) -> None:
    assert connection.run("true").code == 0
    argv = [sys.executable, "-c", KILLED, server.address, server.pair.private, server.known_hosts]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ) as run:
        assert run.stdout is not None
        master = int(run.stdout.readline())
        run.send_signal(signal.SIGKILL)
    wait_until(lambda: not _alive(master), Deadline(10), "the connection ends")


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_specs_see_what_plain_testinfra_sees(server: Server, connection: Connection, tmp_path: Path) -> None:
    agent = Agent(connection)
    ours = make_host("it", agent)
    config = tmp_path / "ssh_config"
    config.write_text(f'Host *\n UserKnownHostsFile "{server.known_hosts}"\n GlobalKnownHostsFile /dev/null\n')
    plain = testinfra.get_host(
        f"ssh://root@{server.address}", ssh_config=str(config), ssh_identity_file=str(server.pair.private)
    )
    assert ours.check_output("hostname") == plain.check_output("hostname")
    agent.close()


def test_an_unknown_user_is_refused_with_the_remedy(server: Server, connection: Connection) -> None:
    assert connection.run("true").code == 0  # the last test: sshd shuts out an address that fails to log in
    with pytest.raises(errors.LoginRefused, match=r"nobody@.* does not accept the key 901") as caught:
        server.reach(user="nobody")
    assert "authorized keys" in (caught.value.hint or "")
