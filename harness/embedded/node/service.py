"""A node with its listeners: started, ready, stopped."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.embedded.node import certificates, recovery
from harness.embedded.node.access_log import AccessLog
from harness.embedded.node.application import Application
from harness.embedded.node.http_server import Server
from harness.embedded.node.node import Node
from harness.kit.errors import UsageError


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a node listens."""

    addresses: tuple[str, ...]
    port: int


class Service:
    """A node that answers on a port of one or more addresses."""

    def __init__(
        self,
        node: Node,
        addresses: Sequence[str],
        port: int,
        context: ssl.SSLContext | None,
        log: AccessLog | None = None,
    ) -> None:
        self.node = node
        self._log = log
        node.machine = self
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
            server = Server((address, port), application.handle, self._context, self._log)
            port = int(server.server_address[1])
            self._servers.append(server)
        for server in self._servers:
            server.serve_in_background()
        self.node.samples.start()
        return Listening(self._addresses, port)

    def reboot(self, seconds: float) -> None:
        """Be away: tasks are cut off, containers stop; afterwards those that start on boot do."""
        for server in self._servers:
            server.away.set()
        threading.Thread(target=self._come_back, args=(seconds,), name="reboot", daemon=True).start()

    def _come_back(self, seconds: float) -> None:
        self.node.tasks.cut_off()
        for vmid, state in self.node.runtime.states().items():
            if state.running:
                self.node.runtime.stop(vmid)
        recovery.mend(self.node)
        self.node.stopping.wait(seconds)
        for server in self._servers:
            server.away.clear()
        recovery.start_on_boot(self.node)

    def change_certificate(self) -> str:
        """Make another certificate and present it from the next connection on; returns its fingerprint."""
        path = self.node.options.certificate
        if path is None or self._context is None:
            raise UsageError("this node has no certificate of its own")
        key = path.with_name("key.pem")
        path.unlink()
        print_ = certificates.ensure(path, key, self.node.name, [a for a in self._addresses if a != "0.0.0.0"])  # noqa: S104
        self._context.load_cert_chain(path, key)
        return print_

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
