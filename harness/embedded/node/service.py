"""A node with its listeners: started, ready, stopped."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.embedded.node import recovery
from harness.embedded.node.application import Application
from harness.embedded.node.http_server import Server
from harness.embedded.node.node import Node


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a node listens."""

    addresses: tuple[str, ...]
    port: int


class Service:
    """A node that answers on a port of one or more addresses."""

    def __init__(self, node: Node, addresses: Sequence[str], port: int, context: ssl.SSLContext | None) -> None:
        self.node = node
        self._addresses = tuple(dict.fromkeys(addresses))
        self._port = port
        self._context = context
        self._servers: list[Server] = []

    def start(self) -> Listening:
        """Make the bridges, mend what a kill left, listen; ``port`` 0 takes a free one."""
        self.node.runtime.prepare_bridges(self.node.options.bridges)
        recovery.mend(self.node)
        application = Application(self.node)
        port = self._port
        for address in self._addresses:
            server = Server((address, port), application.handle, self._context)
            port = int(server.server_address[1])
            self._servers.append(server)
        for server in self._servers:
            server.serve_in_background()
        self.node.samples.start()
        return Listening(self._addresses, port)

    def stop(self) -> None:
        """Stop listening and close the state; running tasks end as they do when a node dies."""
        self.node.stopping.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self.node.store.close()


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A context that presents the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
