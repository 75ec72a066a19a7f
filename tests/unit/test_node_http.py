"""HTTP as the node speaks it, down to the bytes."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator

import pytest

from harness.embedded.node import fixture, http_server


@pytest.fixture(scope="module")
def node() -> Iterator[fixture.Served]:
    with fixture.serve() as served:
        yield served


def context(node: fixture.Served) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(node.certificate))


def exchange(node: fixture.Served, text: str, *, tls: bool = True) -> tuple[str, str]:
    """Status line and body of the answer to raw bytes."""
    with socket.create_connection((node.host, node.port), timeout=10) as plain:
        connection = context(node).wrap_socket(plain, server_hostname=node.host) if tls else plain
        with connection:
            connection.sendall(text.replace("\n", "\r\n").encode())
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
    head, _, body = received.decode().partition("\r\n\r\n")
    return head.split("\r\n")[0], body


def test_plain_http_is_told_to_use_https(node: fixture.Served) -> None:
    line, _ = exchange(node, "GET /api2/json/version HTTP/1.1\nHost: pve\nConnection: close\n\n", tls=False)
    assert line == "HTTP/1.1 301 Moved Permanently"


@pytest.mark.parametrize(
    ("request_text", "reason"),
    [
        ("PATCH /api2/json/version HTTP/1.1\n\n", "method 'PATCH' not available"),
        ("POST /api2/json/pools HTTP/1.1\nTransfer-Encoding: chunked\n\n", "chunked transfer encoding not supported"),
        ("POST /api2/json/pools HTTP/1.1\nContent-Length: 600000\n\n", "for data too large"),
        ("POST /api2/json/pools HTTP/1.1\nTransfer-Encoding: gzip\n\n", "Unknown transfer encoding 'gzip'"),
        ("GET /api2/json/version HTTP/1.1\nContent-Length: 1\n\nx", "Unexpected content for method 'GET'"),
    ],
)
def test_what_the_server_itself_refuses(node: fixture.Served, request_text: str, reason: str) -> None:
    line, _ = exchange(node, request_text)
    assert line == f"HTTP/1.1 501 {reason}"


@pytest.mark.parametrize(
    ("request_text", "reason"),
    [
        ("GET /api2/json/version HTTP/1.1\nno colon here\n\n", "unable to parse request header"),
        ("GET /api2/json/version HTTP/2.0\n\n", "http protocol version 2.0 not supported"),
    ],
)
def test_what_is_no_request_of_http_1(node: fixture.Served, request_text: str, reason: str) -> None:
    line, _ = exchange(node, request_text)
    assert line == f"HTTP/1.1 506 {reason}"


def test_http_1_0_is_answered_and_closed(node: fixture.Served) -> None:
    line, body = exchange(node, "GET /api2/json/access/domains HTTP/1.0\nHost: pve\n\n")
    assert line == "HTTP/1.1 200 OK"
    assert body.startswith('{"data":[')


def test_a_connection_serves_many_requests(node: fixture.Served) -> None:
    connection = http.client.HTTPSConnection(node.host, node.port, context=context(node), timeout=10)
    for _ in range(3):
        connection.request("GET", "/api2/json/access/domains")
        answer = connection.getresponse()
        assert answer.status == 200
        answer.read()
    connection.close()


@pytest.mark.parametrize("line", ["", "GET", "GET / HTTP/1.1 x", "\x00\x01\x02", "GET /api2/json/%ff%fe HTTP/1.1"])
def test_garbage_gets_no_traceback(node: fixture.Served, line: str) -> None:
    _, body = exchange(node, f"{line}\nConnection: close\n\n")
    assert "Traceback" not in body


def test_a_page_that_is_not_there(node: fixture.Served) -> None:
    line, _ = exchange(node, "GET /pve2/js/nope.js HTTP/1.1\nConnection: close\n\n")
    file = "/usr/share/pve-manager/js/nope.js"
    assert line == f"HTTP/1.1 500 unable to open file '{file}' - No such file or directory"


def test_requests_that_come_at_once_are_answered_in_order(node: fixture.Served) -> None:
    first = "GET /api2/json/access/domains HTTP/1.1\n\n"
    second = "GET /api2/json/version HTTP/1.1\nConnection: close\n\n"
    line, rest = exchange(node, first + second)
    assert line == "HTTP/1.1 200 OK"
    assert rest.count("HTTP/1.1 401 No ticket") == 1


@pytest.mark.parametrize(
    "head",
    [
        "GET /api2/json/version HTTP/1.1\n" + "X-A: b\n" * 2000,
        "GET /api2/json/version HTTP/1.1\nX-A: " + "a" * 200_000 + "\n",
        "GET /" + "a" * 200_000 + " HTTP/1.1\n",
        "POST /api2/json/pools HTTP/1.1\nContent-Length: -5\nConnection: close\n",
        "POST /api2/json/pools HTTP/1.1\nContent-Length: 99999999999999999999\n",
    ],
    ids=["many-headers", "long-header", "long-path", "negative", "beyond-any-size"],
)
def test_heads_beyond_measure_harm_nobody(node: fixture.Served, head: str) -> None:
    try:
        _, body = exchange(node, f"{head}\n")
    except (ConnectionError, ssl.SSLEOFError):
        body = ""
    assert "Traceback" not in body
    assert exchange(node, "GET /api2/json/access/domains HTTP/1.0\n\n")[0] == "HTTP/1.1 200 OK"


def test_a_client_that_stops_midway_is_let_go(node: fixture.Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "_IDLE_SECONDS", 0.3)
    for half in ("GET /api2/js", "POST /api2/json/pools HTTP/1.1\nContent-Length: 10\n\nabc"):
        assert exchange(node, half) == ("", "")
    with socket.create_connection((node.host, node.port), timeout=5) as silent:
        assert silent.recv(1) == b""
