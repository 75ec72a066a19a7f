"""Running a forge: in this process for tests (``serve``), or as a daemon (``run``)."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import secrets
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import anyio.to_thread
import uvicorn

from harness.embedded.forge import git_push
from harness.embedded.forge.application import Application
from harness.embedded.forge.automerge import AutoMerger
from harness.embedded.forge.errors import ForgeError
from harness.embedded.forge.forge import Forge
from harness.embedded.forge.git.locks import clear_stale_locks
from harness.embedded.forge.runner_api import RunnerApi
from harness.embedded.forge.scheduler import Scheduler
from harness.embedded.forge.services import events, merging, users
from harness.embedded.forge.settings import ForgeSettings
from harness.embedded.forge.store import accounts
from harness.embedded.forge.webhooks import Deliverer
from harness.kit.files import write_atomic
from harness.kit.secret import Secret

PASSWORD_FILE = "admin.password"  # noqa: S105
READY_FILE = "forge.json"
_LOOPBACK = "127.0.0.1"
_M_ARENA_MAX = -8  # mallopt(3), malloc.h
_WORKERS = 16  # threads; each keeps a database connection
_IDLE_SECONDS = 300  # a client that a busy machine lets wait finds its connection as it left it; Gitea never closes one


@dataclass(frozen=True, slots=True)
class Served:
    """A forge that answers."""

    forge: Forge
    url: str
    port: int
    admin: str
    password: Secret


def prepare(settings: ForgeSettings) -> tuple[Forge, Secret]:
    """A forge over its state: hooks written, administrator there, what a crash interrupted brought to its end."""
    forge = Forge(settings)
    git_push.install_hooks(settings.hooks)
    clear_stale_locks(settings.repositories)
    password = _ensure_admin(forge)
    _ensure_system(forge)
    merging.recover(forge)
    git_push.recover(forge)
    events.recover(forge)
    return forge, password


def _ensure_admin(forge: Forge) -> Secret:
    """The administrator's password: from the file in the state directory, made when there is none."""
    path, name = forge.settings.state / PASSWORD_FILE, forge.settings.admin
    if not path.exists():
        write_atomic(path, f"{secrets.token_urlsafe(18)}\n", mode=0o600)
    password = Secret(path.read_text().strip())
    account = accounts.by_name(forge.db, name)
    if account is None:
        users.create(forge, name, f"{name}@example.com", password.reveal(), admin=1)
    elif not forge.checker.check(account, password.reveal()):
        users.edit(forge, account, {"password": password.reveal()})
    return password


def _ensure_system(forge: Forge) -> None:
    """The account that jobs act as; nobody can sign in as it."""
    sql = """INSERT OR IGNORE INTO account (id, name, lower_name, full_name, email, prohibit_login, created)
             VALUES (?, 'gitea-actions', 'gitea-actions', 'Gitea Actions', 'teabot@gitea.io', 0, 0)"""
    forge.db.run(sql, accounts.SYSTEM_ID)


def _config(application: Application, settings: ForgeSettings) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        lifespan="on",
        loop="asyncio",
        http="h11",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=10,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.key,
    )


def _listen(settings: ForgeSettings) -> tuple[socket.socket, ForgeSettings]:
    listener = _bind(settings.host, settings.port)
    return listener, replace(settings, port=listener.getsockname()[1])


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # unnamed, asyncio sets no TCP_NODELAY
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(512)
    return listener


class _Server(uvicorn.Server):
    """A server that leaves signals alone: ``_ending_in_order`` hears them for all servers of the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def _ending_in_order(servers: Sequence[uvicorn.Server], forge: Forge) -> Iterator[None]:
    """On a signal every server ends after what it is doing, and the program with success."""

    def end(*_: object) -> None:
        forge.jobs.close()
        for server in servers:
            server.force_exit = server.should_exit  # the second signal does not wait any more
            server.should_exit = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    anyio.to_thread.current_default_thread_limiter().total_tokens = _WORKERS
    await server.serve(sockets=[listener])


async def _serve_both(servers: Sequence[uvicorn.Server], listeners: list[socket.socket]) -> None:
    """Serve until all have ended."""
    async with anyio.create_task_group() as group:
        for server, listener in zip(servers, listeners, strict=True):
            group.start_soon(_serve, server, listener)


def _plain(application: Application, settings: ForgeSettings) -> list[tuple[_Server, socket.socket]]:
    """The second server, without TLS on loopback, where one is wanted; the first has begun the application."""
    if settings.certificate is None or settings.plain_port is None:
        return []
    config = _config(application, replace(settings, certificate=None, key=None))
    config.lifespan = "off"
    return [(_Server(config), _bind(_LOOPBACK, settings.plain_port))]


def run(settings: ForgeSettings) -> None:
    """Serve until a signal says otherwise; ``forge.json`` in the state directory tells when it is ready."""
    spare_memory()
    with _single(settings.state):
        listener, bound = _listen(settings)
        forge, _ = prepare(bound)
        application = Application(forge, RunnerApi(forge))
        served = [(_Server(_config(application, bound)), listener), *_plain(application, bound)]
        servers = [server for server, _ in served]
        with _workers(forge), _ending_in_order(servers, forge):
            write_ready(bound)
            anyio.run(_serve_both, servers, [socket_ for _, socket_ in served])
    (settings.state / READY_FILE).unlink(missing_ok=True)


def spare_memory() -> None:
    """Let all threads share two heaps of the C library: by default each keeps one, and what it held once."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_ARENA_MAX, 2)


def write_ready(settings: ForgeSettings) -> None:
    """Where the forge answers, for everybody who waits for it."""
    ready = {"pid": os.getpid(), "port": settings.port, "url": settings.base}
    write_atomic(settings.state / READY_FILE, json.dumps(ready) + "\n", mode=0o600)


@contextmanager
def _single(state: Path) -> Iterator[None]:
    """One forge for a state directory."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(state / "forge.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as taken:
        raise ForgeError(f"{state}: another forge runs over this state") from taken
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _workers(forge: Forge) -> Iterator[None]:
    """What runs beside requests."""
    workers = Deliverer(forge), Scheduler(forge), AutoMerger(forge)
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        for worker in reversed(workers):
            worker.stop()


@contextmanager
def serve(
    state: Path, *, port: int = 0, admin: str = "root", pages: bool = True, trusted_owners: tuple[str, ...] = ()
) -> Iterator[Served]:
    """A forge in this process, on the loopback interface, until the block ends."""
    settings = ForgeSettings(state, port=port, admin=admin, pages=pages, trusted_owners=trusted_owners)
    listener, bound = _listen(settings)
    forge, password = prepare(bound)
    server = _Server(_config(Application(forge, RunnerApi(forge)), bound))
    thread = threading.Thread(target=lambda: anyio.run(_serve, server, listener), daemon=True)
    with _workers(forge):
        thread.start()
        try:
            yield Served(forge, bound.base, bound.port, admin, password)
        finally:
            server.should_exit = True
            forge.jobs.close()
            thread.join(15)
            forge.db.close()
