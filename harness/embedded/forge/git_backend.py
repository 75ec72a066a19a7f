"""``git http-backend`` (git-http-backend(1)) as a process: fed with a body, answering as it goes, a few at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from weakref import WeakKeyDictionary

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_CHUNK = 65536
_MOST_BACKENDS = 12  # each is a git process with its own memory; the others wait in line
_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()
Settle = Callable[[], Awaitable[None]]
"""What is to be done when git has ended and before the client reads the end."""


async def run(env: Mapping[str, str], body: AsyncIterator[bytes], rest: str, settle: Settle | None = None) -> Response:
    """Run the backend with the body, its headers first, its output as it comes."""
    slot, pipe = _slot(), asyncio.subprocess.PIPE
    await slot.acquire()
    try:
        process = await asyncio.create_subprocess_exec(
            "git", "http-backend", stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL, env=dict(env)
        )
    except BaseException:
        slot.release()
        raise
    backend = _Backend(process, body, slot, settle)
    try:
        status, headers = await _read_headers(process)
    except BaseException:
        await backend.close()
        raise
    _fix_headers(headers, rest)
    return _Answer(backend, status, headers, settle)


def _slot() -> asyncio.Semaphore:
    """The line in which backends wait, one for each event loop."""
    return _slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_MOST_BACKENDS))


class _Backend:
    """A running ``git http-backend``: fed with a body, read, and gone in the end whatever happened."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        body: AsyncIterator[bytes],
        slot: asyncio.Semaphore,
        settle: Settle | None,
    ) -> None:
        self.process = process
        self._slot = slot
        self._settle = settle
        self._feeding = asyncio.create_task(_feed(process, body))

    async def close(self) -> None:
        """Let the next one in, and end this one if its client left. A push that was sent whole goes on to its end."""
        try:
            if self._settle and self._feeding.done() and self.process.returncode is None:
                await self._finish(self._settle)
            self._feeding.cancel()
            if self.process.returncode is None:
                self.process.kill()
            await self.process.wait()
        finally:
            self._slot.release()

    async def _finish(self, settle: Settle) -> None:
        assert self.process.stdout is not None
        while await self.process.stdout.read(_CHUNK):
            pass  # nobody reads it any more
        await self.process.wait()
        await settle()


class _Answer(Response):
    """What a backend says, as it comes.

    Not Starlette's streaming response: that one listens for the client's leaving by taking messages, and would take
    pieces of the body from the backend, which answers while it is still being fed.
    """

    def __init__(self, backend: _Backend, status: int, headers: Mapping[str, str], settle: Settle | None) -> None:
        super().__init__(b"", status, headers)
        del self.headers["content-length"]
        self._backend = backend
        self._output = _output(backend.process, settle)

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for chunk in self._output:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await asyncio.shield(asyncio.ensure_future(self._backend.close()))


async def _feed(process: asyncio.subprocess.Process, body: AsyncIterator[bytes]) -> None:
    assert process.stdin is not None
    try:
        async for chunk in body:
            if chunk:
                process.stdin.write(chunk)
                await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        pass  # git has heard enough; its answer says why
    except ClientDisconnect:
        process.kill()  # half a pack must not be taken for a whole one
    finally:
        process.stdin.close()


async def _read_headers(process: asyncio.subprocess.Process) -> tuple[int, dict[str, str]]:
    assert process.stdout is not None
    status, headers = 200, dict[str, str]()
    while line := (await process.stdout.readline()).decode(errors="replace").strip():
        name, _, value = line.partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers[name.lower()] = value.strip()
    return (status, headers) if headers else (500, headers)


def _fix_headers(headers: dict[str, str], rest: str) -> None:
    headers.pop("content-length", None)
    if rest == "info/refs" and headers.get("content-type") == "text/plain":
        headers["content-type"] = "text/plain; charset=utf-8"


async def _output(process: asyncio.subprocess.Process, settle: Settle | None) -> AsyncIterator[bytes]:
    """What git says; the last piece is held back until everybody has been told of the push."""
    assert process.stdout is not None
    held = b""
    while chunk := await process.stdout.read(_CHUNK):
        if held:
            yield held
        held = chunk
    await process.wait()
    if settle:
        await asyncio.shield(settle())
    yield held
