"""A node in this process, for tests and benches: started in a moment, nothing left behind.

with serve() as node:
    requests.get(f"{node.url}/api2/json/version", …)
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harness.embedded.node import certificates, service
from harness.embedded.node.memory_runtime import STANDARD, MemoryRuntime
from harness.embedded.node.node import Node, Options, state_file
from harness.embedded.node.runtime import Runtime
from harness.embedded.node.store import Store
from harness.kit.secret import Secret

QUICK = Options(login_delay=0.0, templates=tuple(template.name for template in STANDARD))


@dataclass(frozen=True, slots=True)
class Served:
    """A node that listens on loopback."""

    host: str
    port: int
    password: Secret
    fingerprint: str
    certificate: Path
    node: Node

    @property
    def url(self) -> str:
        """Where the node listens, without a path."""
        return f"https://{self.host}:{self.port}"


@contextmanager
def serve(
    runtime: Runtime | None = None,
    *,
    port: int = 0,
    options: Options = QUICK,
    password: str = "embedded-node",  # noqa: S107 - of a node that lives as long as a test
    state: Path | None = None,
    addresses: Sequence[str] = ("127.0.0.1",),
) -> Iterator[Served]:
    """A node on a free port of loopback; ``state`` keeps it beyond this one use."""
    with tempfile.TemporaryDirectory(prefix="node-") as scratch:
        folder = state or Path(scratch)
        certificate, key = folder / "certificate.pem", folder / "key.pem"
        print_ = certificates.ensure(certificate, key, options.name, addresses)
        store = Store(state_file(state))
        node = Node(runtime or MemoryRuntime(), store, replace(options, certificate=certificate), password, print_)
        running = service.Service(node, addresses, port, service.tls_context(certificate, key))
        listening = running.start()
        try:
            yield Served(addresses[0], listening.port, Secret(password), print_, certificate, node)
        finally:
            running.stop()
