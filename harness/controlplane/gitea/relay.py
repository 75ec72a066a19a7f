"""Plain http on loopback for a Gitea that speaks https: it has one door only, and its neighbours use the plain one."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
from collections.abc import Sequence
from pathlib import Path

from harness.controlplane.gitea.site import Door

_PIECE = 1 << 16
_END_SECONDS = 5.0
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def run_beside(command: Sequence[str], door: Door, plain_port: int, directory: Path) -> int:
    """Run ``command`` with a relay from ``plain_port`` of loopback to ``door``; its exit code. Signals go to it."""
    return asyncio.run(_run(command, door, plain_port, directory))


async def _run(command: Sequence[str], door: Door, plain_port: int, directory: Path) -> int:
    relay = await asyncio.start_server(_Relay(door).serve, "127.0.0.1", plain_port)
    child = await asyncio.create_subprocess_exec(*command, cwd=directory)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _tell, child, number)
    try:
        return await child.wait()
    finally:
        relay.close()


def _tell(child: asyncio.subprocess.Process, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(number)


class _Relay:
    def __init__(self, door: Door) -> None:
        self._door = door

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, both ways, until both sides have ended."""
        try:
            there, here = await self._connect()
        except (OSError, ssl.SSLError):  # not up: the other side sees a connection that ends
            writer.close()
            return
        with contextlib.suppress(OSError):
            await asyncio.gather(_pump(reader, here), _pump(there, writer))
        for one in (here, writer):
            one.close()

    async def _connect(self) -> Connection:
        door = self._door
        return await asyncio.open_connection(
            door.host, door.port, ssl=trusting(door.certificate), server_hostname=door.host
        )


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end, and say that it has come. TLS knows no half-closed connections: it is closed then."""
    try:
        while data := await reader.read(_PIECE):
            writer.write(data)
            await writer.drain()
    finally:
        if writer.can_write_eof():
            writer.write_eof()
        else:
            writer.close()


def trusting(certificate: Path | None) -> ssl.SSLContext:
    """Trust in exactly the certificate that the door was given, whoever signed it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certificate)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
