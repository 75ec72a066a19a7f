"""One container that runs systemd beside the nodes' guests: made, found, fed with files, stopped, removed."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from docker import errors as docker_errors
from docker.client import DockerClient
from docker.types import Mount

from harness.embedded.engine import client as engine
from harness.embedded.engine import labels
from harness.embedded.engine.client import EngineError
from harness.embedded.engine.files import File, archive
from harness.embedded.engine.options import CGROUP, choose, read_facts
from harness.kit.errors import HarnessError

_STOP_SECONDS = 20


@dataclass(frozen=True, slots=True)
class SystemSpec:
    """What a system container is. Another value of any of these is another container over the same volumes."""

    name: str
    hostname: str
    image: str
    owner: str
    """Whose it is: value of the label ``SYSTEM_OWNER``."""
    volumes: Mapping[str, str] = field(default_factory=dict)
    """Named volume → where it is mounted."""
    publish: Mapping[int, tuple[str, int]] = field(default_factory=dict)
    """Port inside → (address, port) of this machine."""

    @property
    def fingerprint(self) -> str:
        """Changes when the container has to be made anew."""
        text = json.dumps({**asdict(self), "owner": ""}, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Found:
    """A system container that is there."""

    id: str
    running: bool
    fingerprint: str
    owner: str
    networks: Mapping[str, str]
    """Docker network → address on it, where it has a fixed one."""


class Systems:
    """The system containers of one engine."""

    def __init__(self, client: DockerClient) -> None:
        self._client = client
        self._api: Any = client.api  # the type stubs leave much of it out

    def find(self, name: str) -> Found | None:
        """The container ``name``; raises ``HarnessError`` when a stranger's has that name."""
        with engine.translated(f"container {name}"):
            try:
                entry = self._api.inspect_container(name)
            except docker_errors.NotFound:
                return None
        marks = entry["Config"]["Labels"] or {}
        if marks.get(labels.SYSTEM) != name:
            hint = f"rename or remove it: docker rename {name} …"
            raise HarnessError(f"a container of another kind is called {name}", hint=hint)
        networks = entry["NetworkSettings"]["Networks"] or {}
        fixed = {net: _fixed(settings) for net, settings in networks.items()}
        return Found(
            entry["Id"],
            bool(entry["State"]["Running"]),
            marks.get(labels.SPEC, ""),
            marks.get(labels.SYSTEM_OWNER, ""),
            {net: address for net, address in fixed.items() if address},
        )

    def make(self, spec: SystemSpec) -> str:
        """A stopped container of ``spec``; its id. Raises ``HarnessError`` where this engine cannot run systemd."""
        with engine.translated(f"container {spec.name}"):
            chosen = choose(read_facts(self._api.info()))
            if chosen.problem:
                raise HarnessError(chosen.problem)
            for volume in spec.volumes:
                self._api.create_volume(volume, labels=_marks(spec))
            mounts = [Mount(target, volume, type="volume") for volume, target in spec.volumes.items()]
            if chosen.host_cgroup:
                mounts.append(Mount(CGROUP, CGROUP, type="bind"))
            host = self._api.create_host_config(
                cap_add=list(chosen.cap_add),
                security_opt=list(chosen.security_opt),
                tmpfs=dict(chosen.tmpfs),
                mounts=mounts,
                port_bindings=dict(spec.publish),
                cgroupns=chosen.cgroupns,
                userns_mode=chosen.userns_mode,
                restart_policy={"Name": "unless-stopped"},
            )
            made: str = self._api.create_container(
                spec.image,
                list(chosen.command),
                name=spec.name,
                hostname=spec.hostname,
                entrypoint=[],
                environment=dict(chosen.environment),
                labels={**_marks(spec), labels.SPEC: spec.fingerprint},
                ports=list(spec.publish),
                stop_signal="SIGRTMIN+3",
                host_config=host,
            )["Id"]
        return made

    def put(self, name: str, files: Iterable[File]) -> None:
        """Lay files into a container, running or not, also into its volumes."""
        with engine.translated(f"files for {name}"):
            self._api.put_archive(name, "/", archive(files))

    def read(self, name: str, path: str) -> Mapping[str, bytes]:
        """The files at or below ``path``, by their path relative to its parent; none when there is no such path."""
        with engine.translated(f"files of {name}"):
            try:
                stream, _ = self._api.get_archive(name, path)
                data = b"".join(stream)
            except docker_errors.NotFound:
                return {}
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            members = [(entry.name, tar.extractfile(entry)) for entry in tar.getmembers() if entry.isfile()]
            return {found: stream.read() for found, stream in members if stream is not None}

    def start(self, name: str) -> None:
        """Start it; starting a running one does nothing."""
        with engine.translated(f"starting {name}"):
            self._api.start(name)

    def stop(self, name: str) -> None:
        """Let systemd shut down."""
        with engine.translated(f"stopping {name}"):
            self._api.stop(name, timeout=_STOP_SECONDS)

    def remove(self, name: str) -> None:
        """Remove the container, its volumes stay; a missing one is no error."""
        with engine.translated(f"removing {name}"):
            try:
                self._api.remove_container(name, force=True)
            except docker_errors.NotFound:
                return

    def remove_volumes(self, name: str) -> None:
        """Remove the volumes that were made for the container ``name``."""
        with engine.translated(f"volumes of {name}"):
            found = self._api.volumes(filters={"label": [f"{labels.SYSTEM}={name}"]})["Volumes"] or []
            for volume in found:
                self._api.remove_volume(volume["Name"])

    def volume_owner(self, volume: str) -> str | None:
        """Whose a volume is; None when there is none, "" when it carries no such label."""
        with engine.translated(f"volume {volume}"):
            try:
                entry = self._api.inspect_volume(volume)
            except docker_errors.NotFound:
                return None
        return str((entry.get("Labels") or {}).get(labels.SYSTEM_OWNER, ""))

    def execute(self, name: str, command: list[str], *, check: bool = True) -> str:
        """Output of a command in the running container; raises ``EngineError`` with it when ``check`` and it fails."""
        with engine.translated(f"{command[0]} in {name}"):
            made = self._api.exec_create(name, command)
            output: bytes = self._api.exec_start(made["Id"])
            code = self._api.exec_inspect(made["Id"])["ExitCode"]
        text = output.decode(errors="replace").strip()
        if check and code != 0:
            raise EngineError(f"{' '.join(command[:3])} ended with {code} in {name}: {text[-400:]}")
        return text

    def join(self, name: str, network: str, taken: Iterable[IPv4Address]) -> IPv4Address:
        """Have the container on ``network`` with a fixed address that neither ``taken`` nor the network's own names.

        Raises ``HarnessError`` when the network is full.
        """
        with engine.translated(f"network {network}"):
            entry = self._api.inspect_network(network)
            present = self.find(name)
            if present is not None and network in present.networks:
                return IPv4Address(present.networks[network])
            used = (member.get("IPv4Address", "").partition("/")[0] for member in entry["Containers"].values())
            gateway, subnet = _range(entry)
            address = free_address(subnet, {*taken, gateway, *(IPv4Address(text) for text in used if text)})
            self._api.connect_container_to_network(name, network, ipv4_address=str(address))
        return address

    def leave(self, name: str, network: str) -> None:
        """Take the container off a network; nothing happens when either is gone or it was not on it."""
        with engine.translated(f"network {network}"):
            try:
                self._api.disconnect_container_from_network(name, network, force=True)
            except docker_errors.APIError as refused:
                if refused.status_code not in (404, 500):  # 500: not connected, says the engine
                    raise

    def has_network(self, network: str) -> bool:
        """Whether there is a network of that name."""
        with engine.translated(f"network {network}"):
            return any(found["Name"] == network for found in self._api.networks(names=[network]))


def free_address(subnet: IPv4Network, taken: set[IPv4Address]) -> IPv4Address:
    """The last host address that is free: declared containers stand at the other end, Docker's own range ends here
    but begins at its front."""
    for number in range(int(subnet.broadcast_address) - 1, int(subnet.network_address), -1):
        address = IPv4Address(number)
        if address not in taken:
            return address
    raise HarnessError(f"the network {subnet} has no free address for the control plane")


def _marks(spec: SystemSpec) -> dict[str, str]:
    return {labels.SYSTEM: spec.name, labels.SYSTEM_OWNER: spec.owner}


def _fixed(settings: Mapping[str, Any]) -> str:
    return str((settings.get("IPAMConfig") or {}).get("IPv4Address") or "")


def _range(entry: Mapping[str, Any]) -> tuple[IPv4Address, IPv4Network]:
    block = entry["IPAM"]["Config"][0]
    subnet = IPv4Network(block["Subnet"])
    return IPv4Address(block.get("Gateway") or subnet.network_address + 1), subnet
