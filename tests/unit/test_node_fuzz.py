"""Whatever comes over the wire, the node answers in its own words: no traceback, no error of its own making."""

from __future__ import annotations

import json
import socket
import ssl
import string
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.embedded.node import fixture
from harness.embedded.node.application import Application, Request, Response
from harness.embedded.node.grammar import schema

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
CALLS = sorted(schema.load("9.2").endpoints)
# What must not be switched off or waited for while others are tried.
_LEFT_OUT = {("POST", "/nodes/{node}/status"), ("GET", "/nodes/{node}/query-url-metadata")}
words = st.one_of(
    st.sampled_from(["", "0", "1", "-1", "100", "999999999999", "local", "local:1", "name=eth0,bridge=vmbr0", "true"]),
    st.text(max_size=20),
    st.text(string.printable, max_size=30),
)


@pytest.fixture(scope="module")
def served() -> Iterator[fixture.Served]:
    with fixture.serve() as found:
        yield found


def headers(served: fixture.Served) -> dict[str, str]:
    sealer = served.node.sealer
    cookie = f"PVEAuthCookie={sealer.ticket('root@pam').replace('=', '%3D').replace('+', '%2B').replace('/', '%2F')}"
    return {"cookie": cookie, "csrfpreventiontoken": sealer.csrf_token("root@pam")}


def check(answer: Response) -> None:
    body = (answer.body or b"").decode(errors="replace")
    assert "internal error" not in body
    assert "Traceback" not in body
    assert answer.status < 500 or answer.status in (500, 501, 595)


@QUICK
@given(data=st.data())
def test_any_parameters_of_any_call_get_an_answer(served: fixture.Served, data: st.DataObject) -> None:
    method, path = data.draw(st.sampled_from([call for call in CALLS if call not in _LEFT_OUT]))
    rules = schema.load("9.2").endpoints[method, path].rules
    names = [name for name in rules if f"{{{name}}}" not in path]
    filled = path.replace("{node}", "pve").replace("{vmid}", data.draw(st.sampled_from(["100", "x", "99", "5" * 12])))
    for name in rules:
        filled = filled.replace(f"{{{name}}}", data.draw(st.sampled_from(["local", "x", "root@pam", "a!b", "%00"])))
    given_ = data.draw(st.dictionaries(st.sampled_from(names or ["x"]), words, max_size=6))
    content = json.dumps(given_).encode()
    kind = {**headers(served), "content-type": "application/json"}
    request = Request(method, f"/api2/json{filled}", "", kind, b"" if method in ("GET", "DELETE") else content)
    check(Application(served.node).handle(request))


@QUICK
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    path=st.text(string.printable, max_size=40),
    query=st.text(string.printable, max_size=40),
    body=st.binary(max_size=60),
    kind=st.sampled_from(["application/json", "multipart/form-data; boundary=x", "multipart/form-data", "text/x", ""]),
    cookie=st.text(max_size=40),
    token=st.text(max_size=40),
)
def test_any_request_gets_an_answer(  # noqa: PLR0917 - hypothesis gives each by its name
    served: fixture.Served, method: str, path: str, query: str, body: bytes, kind: str, cookie: str, token: str
) -> None:
    given_ = {"content-type": kind, "cookie": f"PVEAuthCookie={cookie}", "authorization": f"PVEAPIToken={token}"}
    check(Application(served.node).handle(Request(method, f"/api2/json/{path}", query, given_, body)))
    check(Application(served.node).handle(Request(method, f"/api2/{path}", query, headers(served), body)))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(raw=st.one_of(st.binary(max_size=200), st.text(string.printable, max_size=200).map(str.encode)))
def test_bytes_that_are_no_request_harm_nobody(served: fixture.Served, raw: bytes) -> None:
    context = ssl.create_default_context(cafile=str(served.certificate))
    with (
        socket.create_connection((served.host, served.port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=served.host) as secured,
    ):
        secured.sendall(raw + b"\r\n\r\n")
        secured.settimeout(0.05)
        answer = _read(secured)
    assert b"Traceback" not in answer
    assert Application(served.node).handle(Request("GET", "/api2/json/access/domains", "", {})).status == 200


def _read(secured: ssl.SSLSocket) -> bytes:
    try:
        return secured.recv(65536)
    except OSError:
        return b""


@pytest.mark.parametrize(
    "body",
    [
        b'{"poolid": ',
        b'{"poolid": "\xff\xfe"}',
        b"[1, 2]",
        b'"text"',
        b"null",
        b'{"poolid": {"a": ["b"]}}',
        b'{"poolid": NaN}',
        b"[" * 100_000,
        b'{"a":' * 20_000,
        b'{"poolid": "\\ud800"}',
    ],
    ids=["cut", "no-utf-8", "list", "text", "null", "nested", "nan", "deep-list", "deep-object", "half-a-character"],
)
def test_a_body_that_is_no_object_of_parameters(served: fixture.Served, body: bytes) -> None:
    kind = {**headers(served), "content-type": "application/json"}
    answer = Application(served.node).handle(Request("POST", "/api2/json/pools", "", kind, body))
    check(answer)
    assert answer.status in (400, 500)


@pytest.mark.parametrize(
    "body", [b"poolid=%ff%fe", b"poolid=\xff", b"%=%&=&&", b"poolid=a\0b", b"poolid=a%00b", b"&" * 9999]
)
def test_a_form_of_odd_bytes(served: fixture.Served, body: bytes) -> None:
    kind = {**headers(served), "content-type": "application/x-www-form-urlencoded"}
    answer = Application(served.node).handle(Request("POST", "/api2/json/pools", "", kind, body))
    check(answer)
    assert answer.status == 400


@pytest.mark.parametrize(
    ("kind", "body", "seen"),
    [
        ("application/json", b'{"poolid": "a b", "poolid": "c d"}', "c d"),
        ("application/x-www-form-urlencoded", b"poolid=a+b&poolid=c+d", "a b\0c d"),
    ],
)
def test_a_key_that_comes_twice(served: fixture.Served, kind: str, body: bytes, seen: str) -> None:
    """JSON's last one counts; a form's two are joined, which only lists allow."""
    given_ = {**headers(served), "content-type": kind}
    answer = Application(served.node).handle(Request("POST", "/api2/json/pools", "", given_, body))
    errors = json.loads(answer.body or b"{}")["errors"]
    assert errors == {"poolid": f"invalid format - pool name '{seen}' contains invalid characters\n"}
