"""A way to a port that remembers when somebody came through."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Turnstile:
    """``port`` leads to another one; ``passed`` are the moments (monotonic seconds) of connections."""

    port: int
    passed: list[float] = field(default_factory=list)

    def first_after(self, moment: float) -> float:
        """Seconds from ``moment`` to the first connection after it."""
        return min(one for one in self.passed if one >= moment) - moment


@contextmanager
def turnstile(host: str, port: int) -> Iterator[Turnstile]:
    """Listens on the loopback interface until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = Turnstile(listener.getsockname()[1])
        threading.Thread(target=_accept, args=(found, listener, (host, port)), daemon=True).start()
        yield found
        listener.shutdown(socket.SHUT_RDWR)


def _accept(found: Turnstile, listener: socket.socket, target: tuple[str, int]) -> None:
    with suppress(OSError):
        while True:
            visitor, _ = listener.accept()
            found.passed.append(time.monotonic())
            behind = socket.create_connection(target)
            for one, other in ((visitor, behind), (behind, visitor)):
                threading.Thread(target=_carry, args=(one, other), daemon=True).start()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
    if source.fileno() != -1:
        source.close()
