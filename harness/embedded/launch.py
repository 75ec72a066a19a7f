"""The embedded node as a daemon of this machine: started once, found again, stopped, removed.

The node runs detached from the command that started it and outlives it. What is known of it lies in its state
directory: ``launch.json`` (ours: name, port, network, process), ``node.json`` (the node's: it is ready),
``certificate.pem``, ``password``, ``node.log``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path

from harness.embedded.engine import client as engine
from harness.embedded.engine import image, install
from harness.embedded.engine.daemon import start_daemon
from harness.embedded.node.docker import cleanup, meter, ownership
from harness.kit import clock
from harness.kit.errors import DeadlineError, HarnessError, UnreachableError, UsageError
from harness.kit.files import exclusive, private_directory, write_atomic
from harness.kit.secret import Secret

Say = Callable[[str], None]

BRIDGE = "vmbr0"
USER = "root@pam"
_READY_SECONDS = 30.0
_STOP_SECONDS = 20.0
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class NodeAccess:
    """How to reach a running node. ``host`` is the bridge's gateway address, the same for host and containers."""

    host: str
    port: int
    user: str
    password: Secret
    fingerprint: str
    """SHA-256 of the certificate, ``AB:CD:…``."""
    network: IPv4Network


@dataclass(frozen=True, slots=True)
class Launch:
    """What was started. ``ticks`` is the process's start time, which tells it from a later one with its pid."""

    name: str
    port: int
    network: str
    pid: int = 0
    ticks: int = -1
    code: str = ""
    """Hash of the node's program, so that an updated harness does not speak to an old node."""

    @property
    def alive(self) -> bool:
        """Whether that very process runs."""
        return self.pid > 0 and meter.start_ticks(self.pid) == self.ticks


def ensure(
    state: Path, *, port: int, name: str, network: IPv4Network, say: Say, ca_bundle: Path | None = None
) -> NodeAccess:
    """The running node of ``state``, started when it does not run, restarted when it is to be another.

    A new port, network or program makes it another; containers run on meanwhile. Two calls at once start one node.
    ``ca_bundle`` is a PEM file of authorities that the containers are to trust besides Debian's. Raises
    ``UnreachableError`` when Docker or the port cannot be had or the node does not come up, ``UsageError`` when a node
    of another name still has containers here.
    """
    wanted = Launch(name, port, str(network), code=_code())
    with _alone(state):
        found = _read(state)
        if found is not None and found.alive and same(found, wanted):
            access = _access(state, found)
            if access is not None:
                return access
        with closing(install.ensure_engine(say, state)) as client:
            if found is not None:
                make_way(state, found, wanted, has_guests=cleanup.has_guests(client, found.name))
        require_port(port)
        say(f"starting the embedded node on port {port}")
        return _start(state, wanted, ca_bundle)


def find(state: Path) -> NodeAccess | None:
    """The node of ``state`` when it runs and is ready, else None. Starts nothing."""
    found = _read(state)
    return _access(state, found) if found is not None and found.alive else None


def name_of(state: Path) -> str | None:
    """The name that the node of ``state`` was last started with; None when there never was one."""
    found = _read(state)
    return found.name if found is not None else None


def guests(state: Path) -> list[str]:
    """The Docker containers of this node, running or not; none when there is no engine or never was a node."""
    found = _read(state)
    if found is None:
        return []
    try:
        with engine.opened() as client:
            return cleanup.guests(client, found.name) if ownership.is_ours(client, state, found.name) else []
    except UnreachableError:
        return []


def stop(state: Path) -> None:
    """Stop the node, then its containers, as a Proxmox VE host does on shutdown; stopping a stopped one does nothing.

    Containers and their content stay; the next ``ensure`` finds them again, stopped unless they start on boot.
    """
    if not state.exists():
        return
    with _alone(state):
        found = _read(state)
        if found is None:
            return
        _end(state, found)
        with engine.opened() as client:
            if ownership.is_ours(client, state, found.name):
                cleanup.stop_guests(client, found.name)


def destroy(state: Path, *, images: bool = False) -> None:
    """Remove this node: process, containers, networks, volumes, snapshots and the state directory itself.

    Nothing of another node is touched. With ``images`` the base images go too, unless another node's containers
    stand on them.
    """
    if not state.exists():
        return
    with _alone(state):
        found = _read(state)
        if found is not None:
            _end(state, found)
            _remove_from_docker(state, found.name, images=images)
        shutil.rmtree(state)


def _remove_from_docker(state: Path, name: str, *, images: bool) -> None:
    with engine.opened() as client:
        if ownership.is_ours(client, state, name):
            cleanup.empty_directory(client, name, state / "root")
            cleanup.remove_all(client, name)
        if images:
            image.remove_unused(client)


def _start(state: Path, wanted: Launch, ca_bundle: Path | None) -> NodeAccess:
    for stale in ("node.json", "node.log"):
        (state / stale).unlink(missing_ok=True)
    network = IPv4Network(wanted.network)
    gateway = IPv4Interface(f"{network.network_address + 1}/{network.prefixlen}")
    pid = start_daemon(_command(state, wanted, gateway, ca_bundle), state / "node.log", env=_environment())
    launched = replace(wanted, pid=pid, ticks=meter.start_ticks(pid) or -1)
    write_atomic(state / "launch.json", json.dumps(asdict(launched)), mode=0o600)

    def ready() -> NodeAccess | None:
        if not launched.alive:
            raise UnreachableError(f"the embedded node ended: {_last_words(state)}", hint=f"see {state / 'node.log'}")
        return _access(state, launched)

    try:
        return clock.wait_until(ready, clock.Deadline(_READY_SECONDS), "the embedded node", longest_pause=0.1)
    except DeadlineError as late:
        _end(state, launched)
        hint = f"see {state / 'node.log'}"
        raise UnreachableError(f"the embedded node is not ready: {_last_words(state)}", hint=hint) from late


def _command(state: Path, wanted: Launch, gateway: IPv4Interface, ca_bundle: Path | None) -> list[str]:
    command = [sys.executable, "-m", "harness.embedded.node", "--state", str(state.resolve())]
    command += ["--port", str(wanted.port), "--name", wanted.name, "--bridge", f"{BRIDGE}={gateway}"]
    return [*command, "--ca-bundle", str(ca_bundle.resolve())] if ca_bundle else command


def _environment() -> dict[str, str]:
    """Where the daemon finds this very harness, whatever directory it runs in."""
    home = str(Path(__file__).resolve().parents[2])
    return {"PYTHONPATH": os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))}


def _access(state: Path, launched: Launch) -> NodeAccess | None:
    """The way to a node that says it is ready and answers on its port; None before."""
    try:
        ready = json.loads((state / "node.json").read_text())
        password = (state / "password").read_text().strip()
        certificate = (state / "certificate.pem").read_text()
    except (FileNotFoundError, ValueError):
        return None
    network = IPv4Network(launched.network)
    host = str(network.network_address + 1)
    if ready.get("pid") != launched.pid or not _answers(host, launched.port):
        return None
    return NodeAccess(host, launched.port, USER, Secret(password), fingerprint(certificate), network)


def fingerprint(certificate: str) -> str:
    """SHA-256 of a PEM certificate, in the form that Proxmox VE shows: ``AB:CD:…``."""
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def make_way(state: Path, found: Launch, wanted: Launch, *, has_guests: bool) -> None:
    """End a node that runs with other settings; refuse when its containers could not follow."""
    if found.name != wanted.name and has_guests:
        raise UsageError(
            f"the embedded node was called {found.name} and has containers; it cannot become {wanted.name}",
            hint="remove them first: ./run down",
        )
    if found.alive:
        _end(state, found)


def _end(state: Path, launched: Launch) -> None:
    """End the node's process: asked first, killed when it does not listen."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not launched.alive:
            break
        os.kill(launched.pid, number)
        try:
            clock.wait_until(lambda: not launched.alive, clock.Deadline(_STOP_SECONDS), "end of the node")
        except DeadlineError:
            continue
    (state / "node.json").unlink(missing_ok=True)


def require_port(port: int) -> None:
    """Raise ``UnreachableError`` when a stranger listens on the node's port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, port))
        except OSError as taken:
            raise UnreachableError(
                f"port {port} of the embedded node cannot be had: {taken.strerror}",
                hint=f'choose another with embedded.port in local/config.json: "embedded": {{"port": {port + 100}}}',
            ) from taken


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def same(found: Launch, wanted: Launch) -> bool:
    """Whether a running node is the one that is wanted, whatever its process."""
    return replace(found, pid=0, ticks=-1) == wanted


def _code() -> str:
    """A hash of the sources that a node runs."""
    digest = hashlib.sha256()
    for package in ("engine", "node"):
        for file in sorted((Path(__file__).parent / package).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Nobody else starts or removes this node meanwhile. The lock lies beside the directory, which may go."""
    private_directory(state)
    with exclusive(state.with_name(f"{state.name}.lock")):
        private_directory(state)
        yield


def _read(state: Path) -> Launch | None:
    try:
        return Launch(**json.loads((state / "launch.json").read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as damaged:
        file = state / "launch.json"
        raise HarnessError(f"{file} is damaged", hint=f"remove {state} and run again") from damaged


def _last_words(state: Path) -> str:
    try:
        lines = (state / "node.log").read_text(errors="replace").strip().splitlines()
    except FileNotFoundError:
        return "nothing in its log"
    return lines[-1] if lines else "nothing in its log"
