"""The client against a small TLS server: signing in, pinning, renewing, and what failures become."""

from __future__ import annotations

import datetime
import ipaddress
import json
import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harness.kit.errors import ExitCode
from harness.kit.secret import Secret
from harness.pve import errors
from harness.pve.client import Credentials, Endpoint, Pve
from tests.samples import FakeClock

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """Status, reason phrase and JSON body; ``drop``: close the connection without a word."""

    status: int = 200
    reason: str = "OK"
    body: Any = None
    drop: bool = False


@dataclass
class Server:
    """What the tests say it answers; knows one password and hands out numbered tickets."""

    port: int = 0
    fingerprint: str = ""
    requests: list[Request] = field(default_factory=list)
    refused_tickets: set[str] = field(default_factory=set)
    answers: list[Answer] = field(default_factory=list)
    sign_in: dict[str, Any] = field(default_factory=dict)
    tickets: int = 0

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        if request.path == "/api2/json/access/ticket":
            return self._ticket(request)
        cookie = request.headers.get("cookie", "")
        if "authorization" not in request.headers and (not cookie or cookie.partition("=")[2] in self.refused_tickets):
            return Answer(401, "No ticket")
        return self.answers.pop(0) if self.answers else Answer(body={"data": "done"})

    def _ticket(self, request: Request) -> Answer:
        if request.form.get("password") != PASSWORD:
            return Answer(401, "authentication failure", {"data": None, "message": "authentication failure\n"})
        self.tickets += 1
        data = {"ticket": f"PVE:root@pam:{self.tickets}", "CSRFPreventionToken": f"csrf{self.tickets}", **self.sign_in}
        return Answer(body={"data": data})

    @property
    def calls(self) -> list[str]:
        return [f"{one.method} {one.path.removeprefix('/api2/json/')}" for one in self.requests]


def certificate(directory: Path, *names: x509.GeneralName) -> tuple[Path, str]:
    """A self-signed certificate and key in one file, and its SHA-256 fingerprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody else")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=1))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = builder.sign(key, hashes.SHA256())
    path = directory / f"{made.serial_number}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path, made.fingerprint(hashes.SHA256()).hex(":").upper()


Serve = Callable[..., Server]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts servers; they end with the test."""
    running: list[ThreadingHTTPServer] = []

    def start(*names: x509.GeneralName) -> Server:
        path, fingerprint = certificate(tmp_path, *names)
        server = Server(fingerprint=fingerprint)
        httpd = ThreadingHTTPServer(("127.0.0.1", 0), handler(server))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
        httpd.handle_error = lambda *_: None  # type: ignore[method-assign]  # broken handshakes are what is tested
        server.port = httpd.server_address[1]
        threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        running.append(httpd)
        return server

    yield start
    for httpd in running:
        httpd.shutdown()
        httpd.server_close()


def handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5
        wbufsize = 65536  # one packet an answer: header and body apart would wait for each other

        def do_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            form = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = server.answer(Request(self.command, self.path, headers, form))
            if answer.drop:
                self.close_connection = True
                return
            data = b"" if answer.body is None else json.dumps(answer.body).encode()
            self.send_response(answer.status, answer.reason)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = do_any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def client(server: Server, clock: FakeClock | None = None, **credentials: Any) -> Pve:
    given = credentials or {"password": Secret(PASSWORD)}
    return Pve(Endpoint("127.0.0.1", server.port, server.fingerprint), Credentials(**given), clock or FakeClock())


def test_many_calls_sign_in_once(serve: Serve) -> None:
    server = serve()
    pve = client(server)
    assert [pve.get("version"), pve.post("nodes/pve/lxc", vmid=100)] == ["done", "done"]
    assert server.calls == ["POST access/ticket", "GET version", "POST nodes/pve/lxc"]


def test_the_ticket_travels_in_a_cookie_and_writes_carry_the_csrf_token(serve: Serve) -> None:
    server = serve()
    pve = client(server)
    pve.get("version")
    pve.put("nodes/pve/lxc/100/config", memory=512)
    _, read, write = server.requests
    assert read.headers["cookie"] == write.headers["cookie"] == "PVEAuthCookie=PVE:root@pam:1"
    assert "csrfpreventiontoken" not in read.headers
    assert write.headers["csrfpreventiontoken"] == "csrf1"


def test_a_wrong_password_is_told_at_once_and_tried_once(serve: Serve) -> None:
    server = serve()
    with pytest.raises(errors.AuthenticationFailed, match="refuses user root@pam") as caught:
        client(server, password=Secret("not the password")).get("version")
    assert caught.value.exit_code == ExitCode.UNREACHABLE
    assert "proxmox.password" in (caught.value.hint or "")
    assert "not the password" not in str(caught.value)
    assert server.calls == ["POST access/ticket"]


@pytest.mark.parametrize(
    "challenge", [{"ticket": "PVE:!tfa!%7B%22totp%22%3Atrue%7D:6B03E2FC"}, {"NeedTFA": 1}], ids=["ticket", "flag"]
)
def test_a_second_factor_is_named_as_the_cause(serve: Serve, challenge: dict[str, Any]) -> None:
    server = serve()
    server.sign_in = challenge
    with pytest.raises(errors.AuthenticationFailed, match="second factor") as caught:
        client(server).get("version")
    assert "API token" in (caught.value.hint or "")
    assert server.calls == ["POST access/ticket"]


@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_an_expired_ticket_is_renewed_once_and_the_call_made_again(serve: Serve, method: str) -> None:
    server = serve()
    server.refused_tickets = {"PVE:root@pam:1"}
    assert getattr(client(server), method)("nodes/pve/lxc/100") == "done"
    call = f"{method.upper()} nodes/pve/lxc/100"
    assert server.calls == ["POST access/ticket", call, "POST access/ticket", call]


def test_a_ticket_that_is_refused_twice_is_an_error(serve: Serve) -> None:
    server = serve()
    server.refused_tickets = {f"PVE:root@pam:{number}" for number in range(9)}
    with pytest.raises(errors.AuthenticationFailed, match="refuses root@pam"):
        client(server).get("version")
    assert server.tickets == 2


def test_a_ticket_is_renewed_before_it_expires(serve: Serve) -> None:
    server, clock = serve(), FakeClock()
    pve = client(server, clock)
    pve.get("version")
    clock.time += 3700
    pve.get("version")
    assert server.tickets == 2
    assert server.requests[-1].headers["cookie"].endswith(":2")


@pytest.mark.parametrize("token", ["ci", "root@pam!ci"])
def test_a_token_goes_into_the_header_and_needs_no_sign_in(serve: Serve, token: str) -> None:
    server = serve()
    client(server, token=token, secret=Secret("0000-1111")).post("nodes/pve/lxc", vmid=100)
    assert server.calls == ["POST nodes/pve/lxc"]
    assert server.requests[0].headers["authorization"] == "PVEAPIToken=root@pam!ci=0000-1111"


def test_a_refused_token_names_the_token(serve: Serve) -> None:
    server = serve()
    server.answers = [Answer(401, "Authentication failed!")]
    with pytest.raises(errors.AuthenticationFailed, match="refuses root@pam!ci: Authentication failed!") as caught:
        client(server, token="ci", secret=Secret("0000-1111")).get("version")
    assert "proxmox.token" in (caught.value.hint or "")


def test_with_password_and_token_the_ticket_is_used(serve: Serve) -> None:
    server = serve()
    pve = client(server, password=Secret(PASSWORD), token="alice@pve!ci", secret=Secret("0000-1111"))
    pve.get("version")
    assert "authorization" not in server.requests[-1].headers
    assert pve.credentials.is_root_ticket


def test_another_certificate_is_refused_before_anything_is_sent(serve: Serve) -> None:
    server, before = serve(), "AB:" * 31 + "AB"
    pve = Pve(Endpoint("127.0.0.1", server.port, before), Credentials(password=Secret(PASSWORD)))
    with pytest.raises(errors.CertificateChanged) as caught:
        pve.get("version")
    assert before in str(caught.value)
    assert server.fingerprint in str(caught.value)
    assert caught.value.hint
    assert "proxmox.fingerprint in local/config.json" in caught.value.hint
    assert caught.value.exit_code == ExitCode.UNREACHABLE
    assert server.requests == []


def test_an_unknown_certificate_without_a_pin_is_shown_with_the_setting_for_it(serve: Serve) -> None:
    server = serve()
    pve = Pve(Endpoint("127.0.0.1", server.port), Credentials(password=Secret(PASSWORD)))
    with pytest.raises(errors.CertificateUnknown) as caught:
        pve.get("version")
    assert server.fingerprint in str(caught.value)
    assert caught.value.hint
    assert "proxmox.fingerprint in local/config.json" in caught.value.hint
    assert server.requests == []


def test_a_known_authority_needs_no_pin(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(x509.IPAddress(ipaddress.IPv4Address("127.0.0.1")))
    monkeypatch.setenv("SSL_CERT_FILE", str(next(tmp_path.glob("*.pem"))))
    assert Pve(Endpoint("127.0.0.1", server.port), Credentials(password=Secret(PASSWORD))).get("version") == "done"


def test_a_known_authority_vouches_only_for_the_name_in_the_certificate(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(x509.DNSName("elsewhere.example"))
    monkeypatch.setenv("SSL_CERT_FILE", str(next(tmp_path.glob("*.pem"))))
    with pytest.raises(errors.CertificateUnknown):
        Pve(Endpoint("127.0.0.1", server.port), Credentials(password=Secret(PASSWORD))).get("version")
    assert server.requests == []


def test_a_pin_in_another_spelling_is_the_same_pin(serve: Serve) -> None:
    server = serve()
    server.fingerprint = server.fingerprint.replace(":", "").lower()
    assert client(server).get("version") == "done"


def test_a_pin_of_another_kind_is_refused(serve: Serve) -> None:
    server = serve()
    server.fingerprint = server.fingerprint[: 20 * 3 - 1]  # as long as SHA-1
    with pytest.raises(errors.PveUnreachable, match="no SHA-256 fingerprint"):
        client(server)


def test_proxies_of_the_shell_are_not_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert client(serve()).get("version") == "done"


def test_nobody_at_home_is_unreachable(serve: Serve) -> None:
    server = serve()
    pve = Pve(Endpoint("127.0.0.1", 1, server.fingerprint), Credentials(password=Secret(PASSWORD)))
    with pytest.raises(errors.PveUnreachable, match=r"127\.0\.0\.1:1 cannot be reached") as caught:
        pve.get("version")
    assert "doctor" in (caught.value.hint or "")


def test_a_read_is_made_again_when_the_connection_broke(serve: Serve) -> None:
    server, clock = serve(), FakeClock()
    pve = client(server, clock)
    pve.get("version")
    server.answers = [Answer(drop=True), Answer(drop=True), Answer(body={"data": 3})]
    assert pve.get("version") == 3
    assert len(clock.pauses) == 2


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_a_write_is_never_made_again_when_the_connection_broke(serve: Serve, method: str) -> None:
    server = serve()
    pve = client(server)
    pve.get("version")
    server.answers = [Answer(drop=True)]
    with pytest.raises(errors.PveUnreachable):
        getattr(pve, method)("nodes/pve/lxc/100")
    assert server.calls.count(f"{method.upper()} nodes/pve/lxc/100") == 1


def test_a_refusal_carries_the_words_of_pve(serve: Serve) -> None:
    server = serve()
    reason = "Configuration file 'nodes/pve/lxc/999.conf' does not exist"
    server.answers = [Answer(500, reason, {"data": None, "message": f"{reason}\n"})]
    with pytest.raises(errors.PveError) as caught:
        client(server).get("nodes/pve/lxc/999/config")
    assert (caught.value.status, caught.value.reason) == (500, reason)
    assert str(caught.value) == f"GET nodes/pve/lxc/999/config: {reason}"


def test_bad_parameters_are_all_named(serve: Serve) -> None:
    server = serve()
    wrong = {"memory": "type check ('integer') failed - got 'x'", "cores": "value must have a minimum value of 1"}
    server.answers = [Answer(400, "Parameter verification failed.", {"data": None, "errors": wrong})]
    with pytest.raises(errors.PveError) as caught:
        client(server).put("nodes/pve/lxc/100/config", memory="x", cores=0)
    assert caught.value.errors == wrong
    assert "cores: value must have a minimum" in str(caught.value)


def test_a_missing_permission_is_an_error_of_its_own(serve: Serve) -> None:
    server = serve()
    server.answers = [Answer(403, "Permission check failed (/vms/100, VM.Audit)", {"data": None})]
    with pytest.raises(errors.PermissionDenied, match=r"/vms/100, VM\.Audit"):
        client(server).get("nodes/pve/lxc/100/config")


def test_a_dead_node_behind_the_server_is_unreachable(serve: Serve) -> None:
    server = serve()
    server.answers = [Answer(595, "No route to host")]
    with pytest.raises(errors.PveUnreachable, match="No route to host"):
        client(server).post("nodes/pve2/lxc", vmid=100)


def test_parameters_are_sent_as_pve_takes_them(serve: Serve) -> None:
    server = serve()
    parameters = {"onboot": True, "protection": False, "memory": 512, "tags": None, "ssh-public-keys": "key a\nkey b"}
    client(server).post("nodes/pve/lxc", **parameters, password=Secret("swordfish"))
    assert server.requests[-1].form == {
        "onboot": "1",
        "protection": "0",
        "memory": "512",
        "ssh-public-keys": "key a\nkey b",
        "password": "swordfish",
    }


def test_what_is_posted_reaches_no_log(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("proxmoxer.core", "proxmoxer.backends.https", ""):
        caplog.set_level(logging.DEBUG, logger=name)
    client(serve()).post("nodes/pve/lxc", password=Secret("swordfish"))
    assert "swordfish" not in caplog.text
    assert PASSWORD not in caplog.text


def test_gathering_keeps_the_order_and_puts_a_refusal_in_its_place(serve: Serve) -> None:
    server = serve()
    pve = client(server)
    pve.get("version")
    found = pve.gather([(f"nodes/pve/lxc/{vmid}/config", {"current": 1}) for vmid in range(100, 110)])
    assert found == ["done"] * 10
    server.answers = [Answer(403, "Permission check failed", {"data": None})]
    [refused] = pve.gather([("nodes/pve/lxc/100/config", {})])
    assert isinstance(refused, errors.PermissionDenied)
