"""The local control plane: the container ``config`` in this machine's Docker, with forge and runner.

Its data lies in a named volume, so that it can be made anew for another version and loses nothing. What is known of
it on this side lies in ``local/share/control-plane/``.
"""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from docker.client import DockerClient

from harness.config.settings import ControlPlaneSettings, Settings
from harness.controlplane import image, programs
from harness.controlplane.account import forge_account
from harness.controlplane.gitea import releases
from harness.controlplane.kit import DATA, UNITS
from harness.controlplane.luggage import KEYS, SHARE, Luggage
from harness.controlplane.program import Program
from harness.controlplane.programs import Programs
from harness.embedded.engine.files import File
from harness.embedded.engine.system import Found, Systems, SystemSpec
from harness.embedded.node.docker.ownership import Owner, is_owned_by
from harness.kit import clock
from harness.kit.errors import DeadlineError, UnreachableError, UsageError
from harness.kit.files import exclusive, private_directory, write_atomic
from harness.kit.secret import Secret

Say = Callable[[str], None]

HOSTNAME = "config"
FORGE = "gitops-forge.service"
_HEALTHY_SECONDS = 60.0
_TRIES = 3
"""Starts of the forge that may fail before it counts as broken."""
_ANSWER_SECONDS = 5.0
_ANYWHERE = ("0.0.0.0",)  # noqa: S104 - what a person may have set, not what is listened on


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A control plane that answers."""

    url: str
    login: str
    """The administrator's account in the forge."""
    password: Secret
    container: str
    """Name of its Docker container."""
    address: IPv4Address | None = None
    """Its address on the embedded node's bridge."""
    changed: tuple[str, ...] = ()
    """What had to be done to have it."""


@dataclass(frozen=True, slots=True)
class Bridge:
    """A Docker network to join, and the addresses on it that are not to be taken."""

    network: str
    taken: frozenset[IPv4Address] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Place:
    """Which control plane is meant: its Docker names and the directory that knows of it."""

    name: str
    state: Path

    @classmethod
    def of(cls, share_base: Path, instance: str) -> Place:
        """The control plane of the checkout whose targets' state is below ``share_base``."""
        return cls(f"{instance}{image.SUFFIX}", share_base / "control-plane")

    @property
    def volume(self) -> str:
        """The volume of its data."""
        return f"{self.name}-data"


def ensure(
    client: DockerClient,
    place: Place,
    luggage: Luggage,
    program: Program,
    say: Say,
    *,
    bridge: Bridge | None = None,
    ca_bundle: Path | None = None,
) -> ControlPlane:
    """The running control plane of this checkout: made, updated or started as needed; nothing happens when it is right.

    Raises ``UnreachableError`` when it cannot be made or does not become healthy, ``UsageError`` when its name belongs
    to another checkout.
    """
    systems = Systems(client)
    with exclusive(private_directory(place.state).with_name("control-plane.lock")):
        owner = Owner.of(place.state)
        found = systems.find(place.name)
        _refuse_strangers(systems, place, found, owner)
        base, settings = place.state.parent, luggage.settings
        ref = image.ensure(client, program, base, say, settings=settings, ca_bundle=ca_bundle)
        work = _Work(systems, place, luggage, _spec(place, luggage, ref, owner), programs_of(settings, client), say)
        changed = work.bring_up(found, bridge)
        address = systems.join(place.name, bridge.network, bridge.taken) if bridge else None
        _leave_others(systems, place.name, bridge)
        url = _url(settings.control_plane)
        _wait_healthy(systems, place.name, url)
    return ControlPlane(url, forge_account(luggage.login), luggage.password, place.name, address, tuple(changed))


def find(client: DockerClient, place: Place) -> Found | None:
    """The container of this checkout's control plane, running or not; None when there is none or a stranger's."""
    found = Systems(client).find(place.name)
    if found is None or not place.state.is_dir():
        return None
    return found if found.owner == Owner.of(place.state).label else None


def take_keys(client: DockerClient, place: Place, target: str) -> dict[str, bytes]:
    """The containers' key pairs that the control plane has for ``target``, by file name; see ``luggage.merge_keys``."""
    if find(client, place) is None:
        return {}
    found = Systems(client).read(place.name, f"{SHARE}/{target}/{KEYS}")
    return {name.rpartition("/")[2]: data for name, data in found.items()}


def stop(client: DockerClient, place: Place) -> bool:
    """Stop it; whether it was there. Its data stays; the container goes, for it would keep a network from going."""
    found = find(client, place)
    if found is not None:
        _end(Systems(client), place, found)
    return found is not None


def _end(systems: Systems, place: Place, found: Found) -> None:
    if found.running:
        systems.stop(place.name)
    systems.remove(place.name)


def destroy(client: DockerClient, place: Place, *, data: bool) -> None:
    """Remove the container; with ``data`` its volume (repositories, variables, history), its images too."""
    stop(client, place)
    if not data:
        return
    owner = Owner.of(private_directory(place.state))
    if Systems(client).volume_owner(place.volume) == owner.label:
        Systems(client).remove_volumes(place.name)
    image.remove(client, place.name.removesuffix(image.SUFFIX))


@dataclass(frozen=True, slots=True)
class _Work:
    """One call of ``ensure``."""

    systems: Systems
    place: Place
    luggage: Luggage
    spec: SystemSpec
    programs: Programs
    say: Say

    def bring_up(self, found: Found | None, bridge: Bridge | None) -> list[str]:
        """A container of the wanted kind, packed and started; what was done.

        A stopped one is made anew: it may be from before a network that it stood on.
        """
        if found is not None and found.running and found.fingerprint == self.spec.fingerprint:
            return self._refresh()
        if found is not None:
            if found.running:
                self.say("the control plane gets a new container; its data stays")
            _end(self.systems, self.place, found)
        return self._make(bridge)

    def _make(self, bridge: Bridge | None) -> list[str]:
        self.say(f"starting the control plane {self.place.name}")
        require_port(self.luggage.settings.control_plane)
        first = self.systems.volume_owner(self.place.volume) is None
        self.systems.make(self.spec)
        if bridge is not None:  # before its first start, so that it never is without
            self.systems.join(self.place.name, bridge.network, bridge.taken)
        self._pack(first=first)
        self.systems.start(self.place.name)
        return ["made"]

    def _refresh(self) -> list[str]:
        if self._packed() == self.luggage.digest():
            return []
        self._pack(first=False)
        self.systems.execute(self.place.name, ["systemctl", "restart", *UNITS])
        return ["credentials"]

    def _pack(self, *, first: bool) -> None:
        private = [*self.luggage.files(first=first), self.luggage.password_file()]
        self.systems.put(self.place.name, [*private, *_environment(self.luggage, self.programs)])
        write_atomic(self._note, json.dumps({"luggage": self.luggage.digest()}) + "\n", mode=0o600)

    def _packed(self) -> str | None:
        try:
            return str(json.loads(self._note.read_text())["luggage"])
        except (FileNotFoundError, ValueError, KeyError):
            return None

    @property
    def _note(self) -> Path:
        return self.place.state / "packed.json"


def programs_of(settings: Settings, client: DockerClient) -> Programs:
    """What runs in the local control plane of these settings."""
    return programs.of(releases.wanted(settings, image.machine(client)), _url(settings.control_plane))


def _environment(luggage: Luggage, run: Programs) -> Iterable[File]:
    """What the units are started with.

    Docker publishes the port, so the forge listens on all of the container's addresses; and on the port that it is
    published as, so that ``localhost:<port>`` in a link leads to it from inside as well.
    """
    port = luggage.settings.control_plane.port
    listen = f"--listen 0.0.0.0:{port} {run.forge_options}".strip()
    forge = f"FORGE_ADMIN={forge_account(luggage.login)}\nFORGE_MODULE={run.forge}\nFORGE_OPTIONS={listen}\n"
    introduce = f"--token-file {run.registration} --stop-grace 7200 {run.runner_options}".strip()
    runner = f"RUNNER_FORGE=http://127.0.0.1:{port}\nRUNNER_MODULE={run.runner}\nRUNNER_OPTIONS={introduce}\n"
    for name, text in (("forge", forge), ("runner", runner)):
        yield File(f"etc/gitops/{name}.env", text.encode(), 0o644)


def _spec(place: Place, luggage: Luggage, ref: str, owner: Owner) -> SystemSpec:
    wanted = luggage.settings.control_plane
    return SystemSpec(
        name=place.name,
        hostname=HOSTNAME,
        image=ref,
        owner=owner.label,
        volumes={place.volume: DATA},
        publish={wanted.port: (wanted.address, wanted.port)},
    )


def require_port(wanted: ControlPlaneSettings) -> None:
    """Raise ``UnreachableError`` when something else listens where the control plane is to be published."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((wanted.address, wanted.port))
        except OSError as taken:
            raise UnreachableError(
                f"port {wanted.port} of {wanted.address} cannot be had for the control plane: {taken.strerror}",
                hint=f'choose another in local/config.json: "control_plane": {{"port": {wanted.port + 1}}}',
            ) from taken


def _url(wanted: ControlPlaneSettings) -> str:
    host = "localhost" if wanted.address in ("127.0.0.1", *_ANYWHERE) else wanted.address
    return f"http://{host}:{wanted.port}"


def _refuse_strangers(systems: Systems, place: Place, found: Found | None, owner: Owner) -> None:
    """Raise ``UsageError`` when container or volume of that name belong to another checkout."""
    volume = systems.volume_owner(place.volume)
    for label in filter(None, (found.owner if found else None, volume)):
        identity, _, directory = label.partition(" ")
        if identity == owner.identity:
            continue
        if is_owned_by(Path(directory), identity):
            raise UsageError(
                f"the control plane {place.name} belongs to {directory}",
                hint='give this one another name with embedded.name in local/config.json: "embedded": {"name": "…"}',
            )
        raise UsageError(
            f"the control plane {place.name} was left by {directory}, which is gone; its data is still there",
            hint=f"remove it: docker rm -f {place.name}; docker volume rm {place.volume}",
        )


def _leave_others(systems: Systems, name: str, bridge: Bridge | None) -> None:
    """Take it off the bridges of nodes that it no longer works with."""
    present = systems.find(name)
    for network in present.networks if present else ():
        if bridge is None or network != bridge.network:
            systems.leave(name, network)


def _wait_healthy(systems: Systems, name: str, url: str) -> None:
    """Until the forge says that it is well; raises ``UnreachableError`` with its last words when it does not."""

    def answers() -> bool:
        if healthy(url):
            return True
        if _restarts(systems, name) >= _TRIES:
            raise DeadlineError("the forge ends again and again")
        return False

    try:
        clock.wait_until(answers, clock.Deadline(_HEALTHY_SECONDS), "the forge", longest_pause=0.25)
    except DeadlineError as late:
        command = ["journalctl", "-u", FORGE, "_COMM=python", "-n", "20", "--no-pager", "-o", "cat"]
        words = systems.execute(name, command, check=False)
        last = words.splitlines()[-1] if words else "nothing in its journal"
        hint = f"see why: docker exec {name} journalctl -u {FORGE}"
        raise UnreachableError(f"the control plane's forge is not healthy: {last}", hint=hint, detail=words) from late


def _restarts(systems: Systems, name: str) -> int:
    """How often systemd had to start the forge again; 0 while systemd itself is not up."""
    shown = systems.execute(name, ["systemctl", "show", "--property=NRestarts", "--value", FORGE], check=False)
    return int(shown) if shown.isdigit() else 0


def healthy(url: str) -> bool:
    """Whether the forge at ``url`` says that it is well."""
    try:
        with urllib.request.urlopen(f"{url}/api/healthz", timeout=_ANSWER_SECONDS) as answer:  # noqa: S310 - http, ours
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
