"""The control plane: a forge that only the project's own authority vouches for, and a runner that takes jobs."""

from __future__ import annotations

import json
import socket
import ssl
import time
from typing import Any

import pytest
from testinfra.host import Host

from harness.controlplane.account import forge_account
from harness.verify import checks
from harness.verify.container import SpecContainer

AUTHORITY = "/usr/local/share/ca-certificates/gitops.crt"
PLAIN = "http://127.0.0.1:8080"
UNITS = ("gitops-forge", "gitops-runner")
DATA = "/var/lib/gitops"
STRANGE_AUTHORITY = 60  # curl(1), EXIT CODES: the peer's certificate cannot be verified


@pytest.fixture(scope="module")
def administrator(host: Host, container: SpecContainer) -> dict[str, Any]:
    """Who the forge says we are when we sign in with the global login; the password goes in on standard input."""
    user = f'user = "{forge_account(container.login)}:{container.password.reveal()}"\n'
    answer = container.feed(host, user, "curl --silent --fail --max-time 15 --config - %s", f"{PLAIN}/api/v1/user")
    assert answer.succeeded, answer.stderr
    return dict(json.loads(answer.stdout))


def ask(host: Host, container: SpecContainer, path: str) -> Any:
    """What the forge answers an administrator at ``path`` of its API."""
    user = f'user = "{forge_account(container.login)}:{container.password.reveal()}"\n'
    answer = container.feed(host, user, "curl --silent --fail --max-time 15 --config - %s", f"{PLAIN}/api/v1/{path}")
    assert answer.succeeded, f"{path}: {answer.rc} {answer.stderr}"
    return json.loads(answer.stdout)


@pytest.mark.parametrize("unit", UNITS)
def test_forge_and_runner_run_and_come_back_after_a_reboot(host: Host, unit: str) -> None:
    service = host.service(unit)
    assert service.is_running
    assert service.is_enabled


@pytest.mark.parametrize("unit", UNITS)
def test_they_do_not_run_as_root_and_may_not_become_it(host: Host, unit: str) -> None:
    shown = host.check_output("systemctl show -p User -p NoNewPrivileges %s", unit).split()
    assert sorted(shown) == ["NoNewPrivileges=yes", "User=gitops"]


def test_the_forge_is_well(host: Host) -> None:
    assert host.run("curl --silent --fail --max-time 10 %s", f"{PLAIN}/api/healthz").succeeded


def test_the_global_login_administers_the_forge(administrator: dict[str, Any]) -> None:
    assert administrator["is_admin"] is True


def test_the_forge_answers_on_the_containers_address_by_the_projects_authority(
    host: Host, container: SpecContainer
) -> None:
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust.load_verify_locations(cadata=host.file(AUTHORITY).content_string)
    with (
        socket.create_connection((container.ip, 443), timeout=10) as plain,
        trust.wrap_socket(plain, server_hostname=container.ip) as tls,
    ):
        certificate = dict(tls.getpeercert() or {})
    assert ("IP Address", container.ip) in certificate["subjectAltName"]
    assert ("DNS", container.fqdn) in certificate["subjectAltName"]
    assert ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time() > 30 * 86400


def test_the_container_itself_trusts_the_authority(host: Host, container: SpecContainer) -> None:
    assert host.run("curl --silent --fail --max-time 10 %s", f"https://{container.ip}/api/v1/version").succeeded


def test_whoever_does_not_know_the_authority_does_not_trust_the_forge(host: Host, container: SpecContainer) -> None:
    command = "curl --silent --max-time 10 --cacert /etc/ssl/certs/ISRG_Root_X1.pem --capath /nonexistent %s"
    assert host.run(command, f"https://{container.ip}/").rc == STRANGE_AUTHORITY


def test_plain_http_stays_on_loopback(host: Host, container: SpecContainer) -> None:
    assert checks.listens(host, "127.0.0.1", 8080)
    assert not checks.listens(host, container.ip, 8080)


def test_the_runner_is_registered(host: Host, container: SpecContainer) -> None:
    runners = ask(host, container, "admin/actions/runners")["runners"]
    assert [runner["status"] for runner in runners if runner["name"] == container.hostname] != []


def test_the_monorepo_is_here_with_its_release_branch(host: Host, container: SpecContainer) -> None:
    branches = {entry["name"] for entry in ask(host, container, "repos/main/config/branches")}
    assert {"main", "release"} <= branches


def test_every_container_has_a_repository(host: Host, container: SpecContainer) -> None:
    found = {entry["name"] for entry in ask(host, container, "orgs/main/repos?limit=50")}
    assert {other.name for other in container.containers} <= found


def test_nothing_of_docker_is_installed(host: Host) -> None:
    assert not host.exists("docker")
    assert not host.exists("dockerd")


@pytest.mark.parametrize("path", [f"{DATA}/share", f"{DATA}/forge", f"{DATA}/runner"])
def test_its_data_is_the_accounts_alone(host: Host, path: str) -> None:
    directory = host.file(path)
    assert (directory.user, directory.group, directory.mode) == ("gitops", "gitops", 0o700)


def test_no_private_file_can_be_read_by_others(host: Host) -> None:
    command = "find %s -type f \\( -name '*.key' -o -name '*.json' -o -name '*password*' \\) -perm /077"
    assert host.check_output(command, f"{DATA}/share") == ""
    assert host.file(f"{DATA}/forge/admin.password").mode == 0o600
    assert host.file("/etc/gitops/tls/key.pem").mode == 0o640


def test_forge_and_runner_are_small(host: Host) -> None:
    # Forge and runner alone: jobs and git, which come and go, run as the same account.
    programs = host.check_output("pgrep -d , -u gitops -f 'harness[.]embedded[.](forge|runner)|gitea web|act_runner'")
    sizes = host.check_output("ps -o rss= -p %s", programs).split()
    assert sum(map(int, sizes)) / 1024 < 200  # MiB, pages that both share counted twice


def test_the_password_lies_in_no_file_that_others_can_read(host: Host, container: SpecContainer) -> None:
    assert checks.files_that_tell(host, container.password) == []


def test_nobody_logs_in_as_root_or_with_a_password(host: Host) -> None:
    sshd = checks.sshd_settings(host)
    assert sshd["permitrootlogin"] == "no"
    assert sshd["passwordauthentication"] == "no"
    assert sshd["kbdinteractiveauthentication"] == "no"
