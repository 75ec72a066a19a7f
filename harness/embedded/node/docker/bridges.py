"""The node's bridges as Docker networks, and a container's place on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from docker import errors as docker_errors

from harness.embedded.engine import labels
from harness.embedded.node.docker.names import Names
from harness.embedded.node.runtime import Bridge, GuestError, GuestNet, Log

_ENDPOINT_MAC = (1, 44)  # API version from which an endpoint, not the container, has the MAC address
_ENDPOINT_NAME = (1, 48)  # … and may say what its interface is called (Docker 28)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A place on a Docker network. ``address`` None: Docker hands out one."""

    network: str
    address: IPv4Address | None


class Bridges:
    """Makes, finds and removes the networks of one node."""

    def __init__(self, api: Any, names: Names, owner: str = "") -> None:
        self._api = api
        self._owner = owner
        self._names = names
        self._version = api_version(api)

    def prepare(self, bridge: Bridge) -> None:
        """Have the network of a bridge; raises ``GuestError`` when another subnet is still in use under its name."""
        name, subnet = self._names.network(bridge.name), bridge.address.network
        found = self._find(name)
        if found is not None:
            if _subnet(found) == subnet:
                return
            self._refuse_if_used(name, subnet)
            self._api.remove_network(found["Id"])
        self._make(name, bridge.name, bridge.address)

    def all(self) -> list[Mapping[str, Any]]:
        """The networks under this node's name, whoever made them."""
        found: list[Mapping[str, Any]] = self._api.networks(filters=labels.of_instance(self._names.instance))
        return found

    def _refuse_if_used(self, name: str, subnet: IPv4Network) -> None:
        mine = labels.of_instance(self._names.instance)
        if self._api.containers(all=True, quiet=True, filters=mine):
            raise GuestError(
                f"network {name} has another address than {subnet}, and containers stand on it",
                hint="remove them with ./run down, then start again",
            )

    def _make(self, name: str, bridge: str, address: IPv4Interface) -> None:
        ipam = {
            "Driver": "default",
            "Config": [
                {
                    "Subnet": str(address.network),
                    "Gateway": str(address.ip),
                    "IPRange": str(dynamic_range(address.network)),
                }
            ],
        }
        options = {"com.docker.network.bridge.name": self._names.interface(name)}
        marks = {labels.INSTANCE: self._names.instance, labels.BRIDGE: bridge, labels.OWNER: self._owner}
        try:
            self._api.create_network(name, driver="bridge", options=options, ipam=ipam, labels=marks)
        except docker_errors.APIError as refused:
            raise GuestError(
                f"network {address.network} cannot be made for {bridge}: {refused.explanation}",
                hint="another network of this machine lies there; name a free one in config.env",
            ) from refused

    def places(self, nets: Iterable[GuestNet], log: Log) -> dict[str, tuple[GuestNet, Attachment]]:
        """The place of every interface by network; Docker puts a container on a network only once."""
        found: dict[str, tuple[GuestNet, Attachment]] = {}
        for net in nets:
            place = self.place(net, log)
            if place.network in found:
                log(f"net{net.index}: left out, {place.network} has an interface of this container already")
            else:
                found[place.network] = (net, place)
        return found

    def place(self, net: GuestNet, log: Log) -> Attachment:
        """Where an interface goes: the bridge's network, or one of its own for an address that lies elsewhere."""
        name = self._names.network(net.bridge)
        found = self._find(name)
        if found is None:
            raise GuestError(f"bridge '{net.bridge}' does not exist")
        if net.ip is None:
            return Attachment(name, None)
        if net.ip.ip in _subnet(found):
            return Attachment(name, net.ip.ip)
        return self._elsewhere(net, net.ip, name, log)

    def _elsewhere(self, net: GuestNet, address: IPv4Interface, primary: str, log: Log) -> Attachment:
        name = self._names.network(net.bridge, address.network)
        try:
            if self._find(name) is None:
                self._make(name, net.bridge, _gateway(net, address))
        except GuestError as taken:
            log(f"net{net.index}: {address} cannot be reached from this machine: {taken}")
            return Attachment(primary, None)
        log(f"net{net.index}: {address} is outside {net.bridge}; it gets the network {name}")
        return Attachment(name, address.ip)

    def endpoint(self, net: GuestNet, place: Attachment) -> Any:
        """The endpoint settings of an interface (Docker Engine API, ``EndpointSettings``)."""
        settings: dict[str, Any] = {}
        if place.address is not None:
            settings["IPAMConfig"] = {"IPv4Address": str(place.address)}
        if self._version >= _ENDPOINT_MAC:
            settings["MacAddress"] = net.hwaddr
        if self._version >= _ENDPOINT_NAME:
            settings["DriverOpts"] = {"com.docker.network.endpoint.ifname": net.name}
        return settings

    def mac_of_container(self, nets: tuple[GuestNet, ...]) -> str | None:
        """The MAC address as an argument of the container, for engines that know no other place for it."""
        return nets[0].hwaddr if nets and self._version < _ENDPOINT_MAC else None

    def connect(self, container: str, net: GuestNet, place: Attachment) -> None:
        """Put a container on the network of one more interface."""
        body = {"Container": container, "EndpointConfig": self.endpoint(net, place)}
        url = self._api._url("/networks/{0}/connect", place.network)
        self._api._raise_for_status(self._api._post_json(url, data=body))

    def reconnect(
        self, container: str, nets: tuple[GuestNet, ...], log: Log, release: Callable[[str], None] | None = None
    ) -> None:
        """Make a container's interfaces those of ``nets``; unchanged ones keep their connections.

        ``release`` is told the address of an interface that an engine would look for under its old name in vain.
        """
        present = self._api.inspect_container(container)["NetworkSettings"]["Networks"]
        wanted = self.places(nets, log)
        for network, settings in present.items():
            keep = wanted.get(network)
            if keep is not None and keep[1].address == _asked(settings):
                del wanted[network]
            else:
                if release and settings.get("IPAddress") and self._version < _ENDPOINT_NAME:
                    release(settings["IPAddress"])
                self._api.disconnect_container_from_network(container, network, force=True)
        for net, place in wanted.values():
            self.connect(container, net, place)

    def tidy(self) -> None:
        """Remove the extra networks that no container stands on any more."""
        for network in self.all():
            bridge = (network.get("Labels") or {}).get(labels.BRIDGE, "")
            if network["Name"] != self._names.network(bridge) and not self._used(network["Name"]):
                self._api.remove_network(network["Id"])

    def _used(self, network: str) -> bool:
        return bool(self._api.containers(all=True, quiet=True, filters={"network": [network]}))

    def _find(self, name: str) -> Mapping[str, Any] | None:
        mine = {**labels.of_instance(self._names.instance), "name": [name]}
        return next((net for net in self._api.networks(filters=mine) if net["Name"] == name), None)


def api_version(api: Any) -> tuple[int, int]:
    """The version of the Docker Engine API that is spoken."""
    major, _, minor = str(api.api_version).partition(".")
    return int(major), int(minor)


def dynamic_range(network: IPv4Network) -> IPv4Network:
    """The last quarter of a network: what Docker hands out by itself, so that it meets no fixed address below."""
    return list(network.subnets(new_prefix=min(network.prefixlen + 2, 30)))[-1] if network.prefixlen < 29 else network


def _gateway(net: GuestNet, address: IPv4Interface) -> IPv4Interface:
    near = net.gateway is not None and net.gateway in address.network
    gateway = net.gateway if near else next(address.network.hosts())
    return IPv4Interface(f"{gateway}/{address.network.prefixlen}")


def _subnet(network: Mapping[str, Any]) -> IPv4Network:
    return IPv4Network(network["IPAM"]["Config"][0]["Subnet"])


def _asked(settings: Mapping[str, Any]) -> IPv4Address | None:
    asked = (settings.get("IPAMConfig") or {}).get("IPv4Address")
    return IPv4Address(asked) if asked else None
