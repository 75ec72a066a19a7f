"""The proxy container: every container by its name, over TLS that its own authority vouches for."""

from __future__ import annotations

import json
import socket
import ssl
import time
from typing import Any

import pytest
from testinfra.backend.base import CommandResult
from testinfra.host import Host

from harness.verify import checks
from harness.verify.container import SpecContainer

AUTHORITY_KEY = "/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.key"
AUTHORITY = "/etc/caddy/ca.crt"
CADDYFILE = "/etc/caddy/Caddyfile"
UNKNOWN_AUTHORITY = 60  # curl(1), EXIT CODES: the peer's certificate cannot be verified


def visit(host: Host, container: SpecContainer, url: str, *options: str) -> CommandResult:
    """Ask the proxy for ``url`` as a client would whose resolver leads every name to it.

    The last line of the output is the status code; only the proxy's own authority is trusted.
    """
    name = url.split("/")[2]
    command = " ".join(
        [
            "curl --silent --show-error --max-time 15 --write-out '\n%%{http_code}' --cacert %s",
            "--resolve %s --resolve %s",
            *["%s"] * len(options),
            "%s",
        ]
    )
    tls, plain = f"{name}:443:{container.ip}", f"{name}:80:{container.ip}"
    return host.run(command, AUTHORITY, tls, plain, *options, url)


def handshake(address: str, name: str, authority: str) -> dict[str, Any]:
    """The certificate shown for ``name``, verified from outside the container against ``authority`` alone."""
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust.load_verify_locations(cadata=authority)
    with (
        socket.create_connection((address, 443), timeout=10) as plain,
        trust.wrap_socket(plain, server_hostname=name) as tls,
    ):
        return dict(tls.getpeercert() or {})


def test_apache_is_reached_by_its_name_over_verified_tls(host: Host, container: SpecContainer) -> None:
    answer = visit(host, container, f"https://{container.other('apache').fqdn}/")
    assert answer.succeeded, answer.stderr
    body, _, status = answer.stdout.rpartition("\n")
    assert status == "200"
    assert body == f"<h1>Hello from {container.login}</h1>"


def test_the_proxy_hands_on_what_apache_says(host: Host, container: SpecContainer) -> None:
    apache = container.other("apache")
    direct = host.check_output("curl -s --max-time 10 %s", f"http://{apache.ip}/")
    through = visit(host, container, f"https://{apache.fqdn}/").stdout.rpartition("\n")[0]
    assert through == direct


def test_every_container_has_a_certificate_for_its_name(host: Host, container: SpecContainer) -> None:
    unserved = [
        each.fqdn for each in container.containers if visit(host, container, f"https://{each.fqdn}/", "--head").failed
    ]
    assert unserved == []


def test_names_that_nobody_has_are_not_served(host: Host, container: SpecContainer) -> None:
    assert visit(host, container, f"https://nobody.{container.domain}/").failed


def test_strangers_to_the_authority_do_not_trust_the_proxy(host: Host, container: SpecContainer) -> None:
    name = container.other("apache").fqdn
    command = "curl -s --max-time 15 --resolve %s %s"
    assert host.run(command, f"{name}:443:{container.ip}", f"https://{name}/").rc == UNKNOWN_AUTHORITY


def test_plain_http_leads_to_https(host: Host, container: SpecContainer) -> None:
    name = container.other("apache").fqdn
    answer = visit(host, container, f"http://{name}/page?x=1", "--head")
    headers = dict(line.split(": ", 1) for line in answer.stdout.splitlines() if ": " in line)
    assert answer.stdout.splitlines()[-1] == "308"
    assert headers["Location"] == f"https://{name}/page?x=1"


def test_the_certificate_names_the_container_and_runs_out_soon(host: Host, container: SpecContainer) -> None:
    name = container.other("apache").fqdn
    certificate = handshake(container.ip, name, host.file(AUTHORITY).content_string)
    assert ("DNS", name) in certificate["subjectAltName"]
    days = (ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) / 86400
    assert 0 < days < 7  # a lost key is of little use


def test_caddy_runs_and_comes_back_after_a_reboot(host: Host) -> None:
    caddy = host.service("caddy")
    assert caddy.is_running
    assert caddy.is_enabled


@pytest.mark.parametrize("port", [80, 443])
def test_both_ports_listen_where_the_clients_are(host: Host, container: SpecContainer, port: int) -> None:
    assert checks.listens(host, container.ip, port)


def test_caddy_is_not_administered_from_outside(host: Host, container: SpecContainer) -> None:
    assert not checks.listens(host, container.ip, 2019)


def test_caddy_does_not_run_as_root(host: Host) -> None:
    assert host.check_output("ps -C caddy -o user= | sort -u") == "caddy"


def test_the_configuration_is_valid(host: Host) -> None:
    adapted = host.run("caddy adapt --config %s --adapter caddyfile", CADDYFILE)
    assert adapted.succeeded, adapted.stderr
    assert json.loads(adapted.stdout)["apps"]["http"]["servers"]


def test_the_authoritys_certificate_is_for_everyone_to_read(host: Host) -> None:
    certificate = host.file(AUTHORITY)
    assert (certificate.user, certificate.mode) == ("root", 0o644)
    assert certificate.content_string.startswith("-----BEGIN CERTIFICATE-----")


def test_the_authoritys_key_is_caddys_alone(host: Host) -> None:
    key = host.file(AUTHORITY_KEY)
    assert key.user == "caddy"
    assert key.mode == 0o600


def test_the_container_has_its_name(host: Host, container: SpecContainer) -> None:
    assert host.check_output("hostname") == container.hostname


def test_nobody_logs_in_as_root_or_with_a_password(host: Host) -> None:
    sshd = checks.sshd_settings(host)
    assert sshd["permitrootlogin"] == "no"
    assert sshd["passwordauthentication"] == "no"
    assert sshd["kbdinteractiveauthentication"] == "no"


def test_the_password_lies_in_no_file_that_others_can_read(host: Host, container: SpecContainer) -> None:
    assert checks.files_that_tell(host, container.password) == []
