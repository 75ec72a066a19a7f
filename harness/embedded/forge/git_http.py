"""Git over HTTP: who may, then ``git http-backend`` (git-http-backend(1)) with the repository's own directory.

The repository's name never reaches the file system: the backend gets the directory by number.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from harness.embedded.forge import access, git_backend, git_push, scopes
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
_MOST_COMMANDS = 4 * 1024 * 1024


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
    return await git_backend.run(env, request.stream(), wanted.rest)


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
    return await git_backend.run(env, _joined(head, stream), "git-receive-pack", settle)


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
