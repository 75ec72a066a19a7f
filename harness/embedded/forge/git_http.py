"""Git over HTTP: who may, then ``git http-backend`` (git-http-backend(1)) with the repository's own directory.

The repository's name never reaches the file system: the backend gets the directory by number.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from harness.embedded.forge import access, git_push, scopes
from harness.embedded.forge.access import Identity, Mode
from harness.embedded.forge.errors import MissingError, UnauthorisedError
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.git import environment
from harness.embedded.forge.services import repositories
from harness.embedded.forge.services.repositories import MovedError
from harness.embedded.forge.store.records import Repository

_PATH = re.compile(
    r"/([^/]+)/([^/]+?)(?:\.git)?/(info/refs|git-upload-pack|git-receive-pack|HEAD|objects/(?:info/[a-z-]+|"
    r"[0-9a-f]{2}/[0-9a-f]{38}|pack/pack-[0-9a-f]{40}\.(?:pack|idx)))"
)
_CHUNK = 65536
_MOST_COMMANDS = 4 * 1024 * 1024
_MOST_BACKENDS = 12  # each is a git process with its own memory; the others wait in line
_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Target:
    """What a git request is about; ``rest`` is the path inside the repository."""

    owner: str
    name: str
    rest: str


def target(path: str) -> Target | None:
    """The request's target if the path is one of git's."""
    found = _PATH.fullmatch(path)
    return Target(*found.groups()) if found else None


def _denied(status: int, text: str) -> Response:
    headers = {"content-type": "text/plain; charset=utf-8"}
    if status == 401:
        headers["www-authenticate"] = 'Basic realm="Gitea"'
    return Response(text, status, headers)


async def serve(forge: Forge, request: Request, wanted: Target, base: str) -> Response:
    """Answer one git request."""
    service = request.query_params.get("service", "")
    writes = "git-receive-pack" in {service, wanted.rest}
    found = await anyio.to_thread.run_sync(_authorise, forge, request.headers, wanted, writes)
    if isinstance(found, Response):
        return _with_query(found, request)
    identity, repository = found
    if wanted.rest == "git-receive-pack":
        return await _receive(forge, request, identity, repository, base)
    env = _environment(forge, request, repository, wanted.rest, identity)
    return await _backend(env, request.stream(), wanted.rest)


def _with_query(found: Response, request: Request) -> Response:
    if isinstance(found, RedirectResponse) and request.url.query:
        found.headers["location"] += f"?{request.url.query}"
    return found


class _DeniedError(Exception):
    """Not this; ``response`` is the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def _denied_error(status: int, text: str) -> _DeniedError:
    return _DeniedError(_denied(status, text))


def _authorise(
    forge: Forge, headers: Mapping[str, str], wanted: Target, writes: bool
) -> tuple[Identity, Repository] | Response:
    """Who and what, or why not."""
    try:
        identity = forge.authenticator.identify(headers.get("authorization"))
        repository = _find(forge, identity, wanted)
        if not _scope_allows(identity, writes):
            raise _denied_error(403, "The token's scope does not include this\n")
        if writes:
            _check_writer(forge, identity, repository)
    except UnauthorisedError:
        return _denied(401, "Unauthorized\n")
    except _DeniedError as denied:
        return denied.response
    return identity, repository


def _find(forge: Forge, identity: Identity, wanted: Target) -> Repository:
    """The repository. Strangers are not told whether it exists."""
    try:
        return repositories.find(forge, identity, wanted.owner, wanted.name)
    except MovedError as moved:
        target = f"/{moved.repository.full_name}.git/{wanted.rest}"
        raise _DeniedError(RedirectResponse(target, 301)) from moved
    except MissingError as missing:
        if identity.user is None:
            raise _denied_error(401, "Unauthorized\n") from missing
        raise _denied_error(404, "Repository not found\n") from missing


def _check_writer(forge: Forge, identity: Identity, repository: Repository) -> None:
    if identity.user is None:
        raise _denied_error(401, "Unauthorized\n")
    if repository.archived:
        raise _denied_error(403, "This repo is archived. You can view files and clone it, but cannot push.\n")
    if access.mode(forge.db, identity, repository) < Mode.WRITE:
        raise _denied_error(403, "User permission denied\n")


def _scope_allows(identity: Identity, writes: bool) -> bool:
    token = identity.token
    return token is None or scopes.allows(token.scopes, scopes.REPOSITORY, "write" if writes else "read")


def _environment(
    forge: Forge, request: Request, repository: Repository, rest: str, identity: Identity
) -> dict[str, str]:
    headers, settings = request.headers, forge.settings
    env = environment.environment(settings.state, hooks=settings.hooks)
    env |= {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.url.query,
        "CONTENT_TYPE": headers.get("content-type", ""),
        "GIT_PROJECT_ROOT": str(settings.repositories),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{repository.id}.git/{rest}",
        "REMOTE_ADDR": request.client.host if request.client else "",
    }
    if identity.user:
        env["REMOTE_USER"] = identity.user.name
    if "content-length" in headers:
        env["CONTENT_LENGTH"] = headers["content-length"]
    optional = {"HTTP_CONTENT_ENCODING": "content-encoding", "GIT_PROTOCOL": "git-protocol"}
    return env | {name: headers[header] for name, header in optional.items() if header in headers}


async def _receive(forge: Forge, request: Request, identity: Identity, repository: Repository, base: str) -> Response:
    """A push: its commands are read first, what it did is told before the pusher's answer ends."""
    stream = _decoded(request)
    head, commands = await _read_head(stream)
    if commands is None:
        return _denied(400, "not a push\n")
    note = git_push.note_for(forge, repository, identity)

    def prepare() -> dict[str, str]:
        refused = git_push.refusal(forge, identity, repository, commands)
        refused = refused or git_push.force_refusal(forge, repository, commands)
        said = git_push.said(forge, repository, commands, base)
        return {"FORGE_REFUSED": refused, "FORGE_SAID": said, "FORGE_PUSH": str(note)}

    env = _environment(forge, request, repository, "git-receive-pack", identity)
    env |= await anyio.to_thread.run_sync(prepare)
    for name in ("CONTENT_LENGTH", "HTTP_CONTENT_ENCODING"):
        env.pop(name, None)  # the body is decoded and counted by its end
    settle = _Settle(forge, note, base)
    return await _backend(env, _joined(head, stream), "git-receive-pack", settle)


@dataclass(frozen=True, slots=True)
class _Settle:
    """What is to be done when git has ended and before the client reads the end."""

    forge: Forge
    note: Path
    base: str

    async def __call__(self) -> None:
        await anyio.to_thread.run_sync(git_push.settle, self.forge, self.note, self.base)


async def _decoded(request: Request) -> AsyncIterator[bytes]:
    unpack = zlib.decompressobj(31) if request.headers.get("content-encoding") in {"gzip", "x-gzip"} else None
    async for chunk in request.stream():
        yield unpack.decompress(chunk) if unpack else chunk


async def _read_head(stream: AsyncIterator[bytes]) -> tuple[bytes, list[git_push.Command] | None]:
    head = b""
    async for chunk in stream:
        head += chunk
        try:
            commands = git_push.read_commands(head)
        except ValueError:
            return head, None
        if commands is not None:
            return head, commands
        if len(head) > _MOST_COMMANDS:
            return head, None
    return head, None


async def _joined(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for chunk in rest:
        yield chunk


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
        settle: _Settle | None,
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

    async def _finish(self, settle: _Settle) -> None:
        assert self.process.stdout is not None
        while await self.process.stdout.read(_CHUNK):
            pass  # nobody reads it any more
        await self.process.wait()
        await settle()


class _BackendResponse(Response):
    """What a backend says, as it comes.

    Not Starlette's streaming response: that one listens for the client's leaving by taking messages, and would take
    pieces of the body from the backend, which answers while it is still being fed.
    """

    def __init__(self, backend: _Backend, status: int, headers: Mapping[str, str], settle: _Settle | None) -> None:
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


async def _backend(
    env: Mapping[str, str], body: AsyncIterator[bytes], rest: str, settle: _Settle | None = None
) -> Response:
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
    return _BackendResponse(backend, status, headers, settle)


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


async def _output(process: asyncio.subprocess.Process, settle: _Settle | None) -> AsyncIterator[bytes]:
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
