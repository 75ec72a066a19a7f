"""Gitea without its web installer: what it is told, and by which ways."""

from __future__ import annotations

import configparser
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from harness.controlplane.authority import Authority, Server
from harness.controlplane.gitea import forge, setup
from harness.controlplane.gitea.site import Door, Keys, Site, render
from harness.kit.clock import Deadline, wait_until
from harness.kit.errors import HarnessError
from harness.kit.secret import Secret
from tests.unit import gitea_world
from tests.unit.gitea_world import calls

PASSWORD = "pass word 'of' the admin"
KEYS = Keys(Secret("sk-secret"), Secret("internal-secret"), Secret("jwt-secret"))


def parsed(text: str) -> configparser.RawConfigParser:
    ini = configparser.RawConfigParser()
    ini.read_string(f"[top]\n{text}")
    return ini


def site(root: Path, **changes: object) -> Site:
    state = root / "state"
    state.mkdir(exist_ok=True)
    (state / setup.PASSWORD_FILE).write_text(f"{PASSWORD}\n")
    values = {"program": gitea_world.gitea(root / "bin"), "state": state, "admin": "ann", **changes}
    return Site(**{"url": "http://localhost:8080", "door": Door("0.0.0.0", 8080), **values})  # type: ignore[arg-type]


def people(found: Site) -> dict[str, str]:
    return dict(json.loads(found.program.with_name("people.json").read_text()))


def verbs(found: Site) -> list[str]:
    known = ("secret", "migrate", "list", "create", "generate-access-token", "web")
    return [next(word for word in call["argv"] if word in known) for call in calls(found.program)]


# app.ini


def test_the_local_one_speaks_plain_http_and_is_installed_already(tmp_path: Path) -> None:
    ini = parsed(render(site(tmp_path), KEYS))
    assert dict(ini["server"]).items() >= {
        "protocol": "http", "http_addr": "0.0.0.0", "http_port": "8080", "root_url": "http://localhost:8080/",
        "disable_ssh": "true", "domain": "localhost",
    }.items()  # fmt: skip
    assert (ini["security"]["install_lock"], ini["actions"]["enabled"]) == ("true", "true")
    assert (ini["database"]["db_type"], ini["service"]["disable_registration"]) == ("sqlite3", "true")
    assert ini["security"]["secret_key"] == "sk-secret"
    assert (ini["security"]["internal_token"], ini["oauth2"]["jwt_secret"]) == ("internal-secret", "jwt-secret")


def test_inside_pve_it_speaks_https_with_our_certificate(tmp_path: Path) -> None:
    door = Door("10.0.0.10", 443, Path("/etc/gitops/tls/certificate.pem"), Path("/etc/gitops/tls/key.pem"))
    server = parsed(render(site(tmp_path, door=door, url="https://10.0.0.10"), KEYS))["server"]
    assert (server["protocol"], server["http_port"]) == ("https", "443")
    assert (server["cert_file"], server["key_file"]) == (str(door.certificate), str(door.key))
    assert server["root_url"] == "https://10.0.0.10/"


# Setting it up


def test_everything_is_made_without_a_person_and_no_password_is_an_argument(tmp_path: Path) -> None:
    found = site(tmp_path)
    setup.prepare(found)
    assert verbs(found) == ["secret"] * 3 + ["migrate", "list", "create", "generate-access-token", "web"]
    assert people(found) == {"ann": PASSWORD}  # and the token is gone
    said = json.dumps(calls(found.program))
    assert PASSWORD not in said
    assert "made-" not in said
    assert "--random-password" in said


def test_while_it_is_set_up_only_loopback_reaches_it(tmp_path: Path) -> None:
    found = site(tmp_path)
    setup.prepare(found)
    during = parsed(found.program.with_name("ini-web").read_text())["server"]
    assert during["http_addr"] == "127.0.0.1"
    assert during["http_port"] != "8080"
    assert parsed(found.ini.read_text())["server"]["http_addr"] == "0.0.0.0"


def test_what_it_keeps_is_its_owners_alone(tmp_path: Path) -> None:
    found = site(tmp_path)
    setup.prepare(found)
    assert found.home.stat().st_mode & 0o777 == 0o700
    files = [path for path in found.home.rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"app.ini", "keys.json", "administrator"}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert PASSWORD not in (found.home / "administrator").read_text()


def test_the_second_time_nothing_is_to_be_done_and_the_keys_stay(tmp_path: Path) -> None:
    found = site(tmp_path)
    setup.prepare(found)
    before, done = found.ini.read_text(), len(calls(found.program))
    setup.prepare(found)
    assert found.ini.read_text() == before
    assert len(calls(found.program)) == done


def test_another_password_reaches_the_account_that_is_there(tmp_path: Path) -> None:
    found = site(tmp_path)
    setup.prepare(found)
    (found.state / setup.PASSWORD_FILE).write_text("another\n")
    setup.prepare(found)
    assert people(found) == {"ann": "another"}
    assert verbs(found).count("create") == 1


def test_a_set_up_that_failed_is_begun_again(tmp_path: Path) -> None:
    found = site(tmp_path)
    broken = found.program.with_name("broken")
    broken.write_text("web")
    with pytest.raises(HarnessError, match="before it answered"):
        setup.prepare(found)
    broken.unlink()
    setup.prepare(found)
    assert people(found) == {"ann": PASSWORD}


def test_gitea_s_own_words_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = site(tmp_path)
    found.program.with_name("broken").write_text("migrate")
    options = ["--gitea", str(found.program), "--state", str(found.state), "--admin", "ann", "--url", found.url]
    assert forge.main(options) == 1
    assert "it does not work" in capsys.readouterr().err


# Running it


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(found: Site, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "harness.controlplane.gitea.forge", "--gitea", str(found.program)]
    command += ["--state", str(found.state), "--admin", "ann", "--url", found.url, *options]
    child = subprocess.Popen(command)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(20)


def health(url: str, trust: ssl.SSLContext | None = None) -> dict[str, object]:
    def ask() -> dict[str, object] | None:
        try:
            with urllib.request.urlopen(f"{url}/api/healthz", context=trust, timeout=5) as answer:
                return dict(json.load(answer))
        except OSError:
            return None

    return wait_until(ask, Deadline(30), "it answers")


def test_the_unit_s_process_becomes_gitea_itself(tmp_path: Path) -> None:
    port = free_port()
    with started(site(tmp_path), "--listen", f"127.0.0.1:{port}") as child:
        assert health(f"http://127.0.0.1:{port}")["pid"] == child.pid
    assert child.returncode == 0


def test_with_a_certificate_plain_http_is_relayed_on_loopback_and_ends_with_gitea(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    issued = authority.issue("config", Server(("config",), (IPv4Address("127.0.0.1"),)))
    for name, text in (("certificate.pem", issued.certificate), ("key.pem", issued.key.reveal())):
        (tmp_path / name).write_text(text)
    port, plain = free_port(), free_port()
    tls = ("--certificate", str(tmp_path / "certificate.pem"), "--key", str(tmp_path / "key.pem"))
    listen = ("--listen", f"127.0.0.1:{port}", "--plain-port", str(plain))
    with started(site(tmp_path), *listen, *tls) as child:
        trust = ssl.create_default_context(cafile=authority.found())
        pid = health(f"https://127.0.0.1:{port}", trust)["pid"]
        assert health(f"http://127.0.0.1:{plain}")["pid"] == pid
    assert child.returncode == 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(str(pid)), 0)
