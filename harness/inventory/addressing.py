"""Where each container's address lies: on the bridge's network, and on an embedded node in one that is free."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from harness.config.settings import Settings
from harness.inventory import network
from harness.inventory.draft import Draft
from harness.inventory.network import NetworkFacts, Relocation


@dataclass(frozen=True, slots=True)
class Address:
    """A container's address as written, as it is used, and its gateway."""

    declared: IPv4Interface
    resolved: IPv4Interface
    gateway: IPv4Address


@dataclass(frozen=True, slots=True)
class Place:
    """A container's address as written, and as it lies on the bridge before the bridge moves."""

    declared: IPv4Interface
    interface: IPv4Interface


@dataclass(frozen=True, slots=True)
class Bridge:
    """The network that all containers share, before anything moves."""

    interface: IPv4Interface
    """The gateway's address with the network's prefix length."""
    origin: str
    """What decided it, in words."""
    adopts: bool
    """Whether addresses of other networks move into it, instead of being refused."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The outcome for all drafts; those whose address is wrong are missing from ``by_name``."""

    by_name: Mapping[str, Address]
    bridge: IPv4Interface | None = None
    networks: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


def resolve(
    drafts: Sequence[Draft],
    everything: Sequence[Draft],
    settings: Settings,
    facts: NetworkFacts,
    remembered: Mapping[str, str],
) -> Addresses:
    """Addresses of ``drafts``; ``everything`` (also other stages' containers) tells what is in use."""
    bridge = _bridge(everything, settings)
    if bridge is None and settings.embedded_target:
        return Addresses({})  # the address that everything hangs on could not be read, and is reported
    if bridge is None:
        return _own_networks(drafts, settings)
    board = _Board(bridge, everything)
    places = {id(draft): board.place(draft) for draft in everything if "IP" in draft.parsed}
    moves = Relocation()
    if settings.embedded_target:
        moves = network.relocate([bridge.interface.network], facts, remembered)
    interface = moves.resolve(bridge.interface)
    by_name = {
        draft.name: Address(place.declared, moves.resolve(place.interface), interface.ip)
        for draft in drafts
        if (place := places.get(id(draft))) is not None
    }
    notices = (*_adopted(drafts, places, bridge), *_moved(moves, bridge))
    networks = {str(wanted): str(place) for wanted, place in moves.mapping.items()}
    return Addresses(by_name, interface, networks, notices)


def _bridge(everything: Sequence[Draft], settings: Settings) -> Bridge | None:
    """The configured network; on an embedded node without one, that of the control plane's own container."""
    gateway, mask = settings.proxmox.gateway, settings.proxmox.mask
    if gateway is not None:
        origin = str(settings.origins.get("proxmox.gateway", "proxmox.gateway"))
        return Bridge(IPv4Interface((gateway, mask)), origin, adopts=False)
    if settings.embedded_target and not everything:
        return Bridge(_first_host(network.SHIPPED), "default", adopts=True)
    if not settings.embedded_target or "IP" not in everything[0].parsed:
        return None
    first = everything[0]
    return Bridge(_first_host(_interface(first, mask).network), first.place("IP"), adopts=True)


def _first_host(own: IPv4Network) -> IPv4Interface:
    return IPv4Interface((int(own.network_address) + 1, own.prefixlen))


def _interface(draft: Draft, mask: int) -> IPv4Interface:
    """The address as written; alone it gets the prefix length ``mask``."""
    address, prefix = draft.parsed["IP"]
    return IPv4Interface((address, mask if prefix is None else prefix))


def _own_networks(drafts: Iterable[Draft], settings: Settings) -> Addresses:
    """A host whose gateway is not configured: the first host address of each network is taken for it."""
    by_name: dict[str, Address] = {}
    gateways: set[str] = set()
    for draft in drafts:
        if "IP" not in draft.parsed:
            continue
        interface = _interface(draft, settings.proxmox.mask)
        gateway = _first_host(interface.network)
        if _usable(draft, interface.ip, gateway, lambda: "set proxmox.gateway if it is another"):
            by_name[draft.name] = Address(interface, interface, gateway.ip)
            gateways.add(str(gateway))
    notice = (
        f"proxmox.gateway is not set: the first address of the containers' network is taken for it"
        f" ({', '.join(sorted(gateways))}); set it in local/config.json if your router has another"
    )
    return Addresses(by_name, notices=(notice,) if gateways else ())


class _Board:
    """The bridge's network with the containers that have found a place on it so far."""

    def __init__(self, bridge: Bridge, drafts: Sequence[Draft]) -> None:
        self.bridge = bridge
        self.network = bridge.interface.network
        self._placed: dict[IPv4Address, Draft] = {}
        self._reserved = {draft.parsed["IP"][0] for draft in drafts if "IP" in draft.parsed} | {bridge.interface.ip}

    def place(self, draft: Draft) -> Place | None:
        """The place of one container; None once a problem is reported."""
        declared = _interface(draft, self.network.prefixlen)
        interface = self._fit(draft, declared)
        if interface is None or not _usable(draft, interface.ip, self.bridge.interface, self.free):
            return None
        earlier = self._placed.setdefault(interface.ip, draft)
        if earlier is draft:
            return Place(declared, interface)
        if earlier.parsed["IP"][0] != declared.ip:  # equal texts are reported as duplicates already
            place = f"{earlier.place('IP')} ({earlier.label})"
            draft.report("IP", f"it becomes {interface.ip} on the bridge, which {place} has already", self.free())
        return None

    def free(self) -> str:
        """A hint with an address that nothing has and no other hint names, past the first ten, where routers are."""
        for start in (10, 1):
            for number in range(int(self.network.network_address) + start, int(self.network.broadcast_address)):
                address = IPv4Address(number)
                if address not in self._reserved:
                    self._reserved.add(address)
                    return f"IP={address} is free"
        return ""

    def _fit(self, draft: Draft, declared: IPv4Interface) -> IPv4Interface | None:
        here, said = self.network, f"{self.network} ({self.bridge.origin})"
        if declared.ip in here:
            if declared.network.prefixlen == here.prefixlen:
                return declared
            hint = f"write {declared.ip}, or {declared.ip}/{here.prefixlen}"
            draft.report("IP", f"the bridge's network is {said}", hint)
        elif not self.bridge.adopts:
            draft.report("IP", f"outside the bridge's network {said}", self.free())
        else:
            try:
                return network.transplant(declared.ip, declared.network, here)
            except ValueError:
                draft.report("IP", f"its host part does not fit into the bridge's network {said}", self.free())
        return None


def _usable(draft: Draft, address: IPv4Address, gateway: IPv4Interface, hint: Callable[[], str]) -> bool:
    """Whether ``address`` is a container's to have; reports the one that is not."""
    here = gateway.network
    special = {
        gateway.ip: f"{gateway.ip} is the gateway of {here}",
        here.network_address: f"{here.network_address} is the address of the network {here} itself",
        here.broadcast_address: f"{here.broadcast_address} is the broadcast address of {here}",
    }
    if address in special:
        draft.report("IP", special[address], hint())
    return address not in special


def _adopted(drafts: Iterable[Draft], places: Mapping[int, Place | None], bridge: Bridge) -> Iterable[str]:
    here = bridge.interface.network
    for draft in drafts:
        place = places.get(id(draft))
        if place is not None and place.declared.ip != place.interface.ip:
            yield (
                f"{draft.label}: {place.declared.ip} lies outside {here}, the network of {bridge.origin}:"
                f" taken as {place.interface.ip}"
            )


def _moved(moves: Relocation, bridge: Bridge) -> Iterable[str]:
    here = bridge.interface.network
    place = moves.mapping.get(here, here)
    if place != here:
        yield (
            f"{here} ({bridge.origin}) cannot be the embedded node's network: {moves.reasons[here]}."
            f" Containers live in {place} instead, with the same last part of the address."
        )
