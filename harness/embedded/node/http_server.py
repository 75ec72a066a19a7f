"""HTTP as PVE's own server speaks it: TLS made in the connection's thread, plain HTTP on the same port answered by a
redirect, reason phrases that carry the error, keep-alive."""

from __future__ import annotations

import logging
import re
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable
from email.errors import MissingHeaderBodySeparatorDefect
from email.utils import formatdate
from http.client import HTTPException, HTTPMessage, parse_headers
from io import BufferedReader
from urllib.parse import urlsplit

from harness.embedded.node.access_log import AccessLog
from harness.embedded.node.application import Request, Response

Handle = Callable[[Request], Response]
_TLS_HANDSHAKE = 0x16
_IDLE_SECONDS = 30
_LARGEST_BODY = 512 * 1024
_LARGEST_UPLOAD = 8 << 30
_METHODS = ("GET", "POST", "PUT", "DELETE")
_PAGES = "/usr/share/pve-manager/"
_OURS = re.compile(r"/(api2|embedded|health)(/|$)")
_log = logging.getLogger(__name__)


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listens on one address; a thread for each connection."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], handle: Handle, context: ssl.SSLContext | None, log: AccessLog | None = None
    ) -> None:
        super().__init__(address, _Connection)
        self.handle = handle
        self.context = context
        self.away = threading.Event()
        self.log = log

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - the base class names it
        """A connection that breaks is the client's affair; it is noted and nothing else."""
        _log.debug("connection of %s broke", client_address, exc_info=True)

    def serve_in_background(self) -> None:
        """Serve until ``shutdown`` is called."""
        name = f"listen-{self.server_address[0]!s}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, name=name, daemon=True).start()


class _Connection(socketserver.BaseRequestHandler):
    server: Server

    def handle(self) -> None:
        plain: socket.socket = self.request
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.settimeout(_IDLE_SECONDS)
        if self.server.away.is_set():
            _reset(plain)
            return
        context = self.server.context
        if context is None:
            self._serve(plain)
            return
        first = plain.recv(1, socket.MSG_PEEK)
        if first and first[0] == _TLS_HANDSHAKE:
            with context.wrap_socket(plain, server_side=True) as secured:
                self._serve(secured)
        elif first:
            self._redirect(plain)

    def _redirect(self, plain: socket.socket) -> None:
        with plain.makefile("rb") as stream:
            head = _read_head(stream)
        if head:
            host = head.headers.get("Host", "localhost")
            location = {"Location": f"https://{host}{head.target}"}
            plain.sendall(
                _render(Response(301, "Moved Permanently", b"Moved Permanently", "text/plain"), False, location)
            )

    def _serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while True:
                try:
                    keep = self._one(connection, stream)
                except (OSError, HTTPException, ValueError):
                    return
                if not keep:
                    return

    def _one(self, connection: socket.socket, stream: BufferedReader) -> bool:
        head = _read_head(stream)
        if head is None:
            return False
        refused = _refuse(head)
        if refused:
            connection.sendall(_render(refused, False))
            return False
        if head.headers.get("Expect", "").lower() == "100-continue":
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = stream.read(head.length) if head.length else b""
        began = time.monotonic()
        response = self._respond(head, body)
        if self.server.log:
            self.server.log.write(str(self.client_address[0]), head.method, head.target, response, began)
        if response.drop or self.server.away.is_set():
            _reset(connection)
            return False
        connection.sendall(_render(response, head.keep))
        return head.keep

    def _respond(self, head: _Head, body: bytes) -> Response:
        parts = urlsplit(head.target if head.target.startswith("/") else f"/{head.target}")
        if _OURS.match(parts.path):
            headers = {name.lower(): value for name, value in head.headers.items()}
            peer = str(self.client_address[0])
            return self.server.handle(Request(head.method, parts.path, parts.query, headers, body, peer))
        return _page(parts.path)


def _reset(connection: socket.socket) -> None:
    """Close so that the client sees its connection reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class _Head:
    """Request line and headers."""

    def __init__(self, method: str, target: str, version: str, headers: HTTPMessage) -> None:
        self.method = method
        self.target = target
        self.version = version
        self.headers = headers
        length = headers.get("Content-Length", "0")
        self.length = int(length) if length.isdigit() else 0
        wanted = headers.get("Connection", "").lower()
        self.keep = wanted != "close" if version == "HTTP/1.1" else wanted == "keep-alive"


def _read_head(stream: BufferedReader) -> _Head | None:
    line = stream.readline(16384).decode("latin-1").strip()
    if not line:
        return None
    words = line.split(" ")
    if len(words) != 3:
        raise HTTPException("no request line")
    return _Head(words[0], words[1], words[2], parse_headers(stream))


def _refuse(head: _Head) -> Response | None:
    """What the server refuses before anything is read: the text is reason and body."""
    if head.method not in _METHODS:
        return Response(501, f"method '{head.method}' not available")
    odd = _odd(head)
    if odd:
        return Response(506, odd, odd.encode(), "text/plain")
    text, encoding = None, head.headers.get("Transfer-Encoding")
    if encoding:
        chunked = encoding.lower() == "chunked"
        text = "chunked transfer encoding not supported" if chunked else f"Unknown transfer encoding '{encoding}'"
    elif head.length and head.method in ("GET", "DELETE"):
        text = f"Unexpected content for method '{head.method}'"
    elif head.length > _limit(head):
        text = "for data too large"
    return Response(501, text, text.encode(), "text/plain") if text else None


def _odd(head: _Head) -> str | None:
    version = head.version.removeprefix("HTTP/")
    if not version.startswith("1."):
        return f"http protocol version {version} not supported"
    torn = any(isinstance(defect, MissingHeaderBodySeparatorDefect) for defect in head.headers.defects)
    return "unable to parse request header" if torn else None


def _limit(head: _Head) -> int:
    multipart = head.headers.get("Content-Type", "").startswith("multipart/form-data")
    return _LARGEST_UPLOAD if multipart else _LARGEST_BODY


def _page(path: str) -> Response:
    """Anything outside the API: a word at the root, and the error of a missing file."""
    if path == "/":
        return Response(200, "OK", b"<html><title>embedded node</title>the API is below /api2/json</html>", "text/html")
    if path.startswith("/pve2/"):
        file = _PAGES + path.removeprefix("/pve2/")
        text = f"unable to open file '{file}' - No such file or directory"
        return Response(500, text, f"{text}\n".encode(), "text/plain")
    return Response(501, f"no such file '{path}'", f"no such file '{path}'".encode(), "text/plain")


def _render(response: Response, keep: bool, more: dict[str, str] | None = None) -> bytes:
    body = response.body or b""
    headers = {
        "Cache-Control": "max-age=0",
        "Connection": "Keep-Alive" if keep else "close",
        "Date": formatdate(usegmt=True),
        "Pragma": "no-cache",
        "Server": "pve-api-daemon/3.0",
        "Content-Length": str(len(body)),
        **(more or {}),
    }
    if response.body is not None:
        headers["Content-Type"] = response.content_type
    reason = "".join(c if c.isprintable() else " " for c in response.reason)
    lines = [f"HTTP/1.1 {response.status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", errors="replace") + body
