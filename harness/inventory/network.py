"""Which private network the containers of an embedded node live in, so that the machine's own networks stay whole.

Pure: what the machine has and what was chosen before are arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from harness.kit.errors import UsageError

SHIPPED = IPv4Network("10.143.0.0/24")
"""The network of the config.env files that come with the project."""
_PRIVATE = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))  # RFC 1918
_POOLS = (IPv4Network("10.143.0.0/16"), *_PRIVATE)
"""Searched in this order for a free network."""
_SHORTEST_ROUTE = 8
"""Routes to more than a /8 (0.0.0.0/0, or a VPN's pair of /1) say where the rest goes; they occupy nothing."""


class NoFreeNetworkError(UsageError):
    """Every private network of the wanted size is in use on this machine."""


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """What must not be covered by a bridge: networks that the machine has, routes to, or that other nodes use, and
    the addresses of the resolvers it asks."""

    taken: tuple[IPv4Network, ...] = ()
    resolvers: tuple[IPv4Address, ...] = ()

    def obstacle(self, network: IPv4Network) -> str | None:
        """Why ``network`` cannot be used, in words; None when it can."""
        for resolver in self.resolvers:
            if resolver in network:
                return f"this machine asks the resolver {resolver} in it"
        for taken in self.taken:
            if taken.prefixlen >= _SHORTEST_ROUTE and taken.overlaps(network):
                return f"it overlaps {taken}, which this machine has, routes to, or another node uses"
        if not any(network.subnet_of(private) for private in _PRIVATE):
            return "it is no private network (RFC 1918)"
        return None

    def blocks(self) -> tuple[IPv4Network, ...]:
        """Everything to stay clear of, as networks."""
        single = (IPv4Network(resolver) for resolver in self.resolvers)
        return (*(taken for taken in self.taken if taken.prefixlen >= _SHORTEST_ROUTE), *single)


@dataclass(frozen=True, slots=True)
class Relocation:
    """Where each wanted network went (itself when it stayed), and why those moved that did."""

    mapping: Mapping[IPv4Network, IPv4Network] = field(default_factory=dict)
    reasons: Mapping[IPv4Network, str] = field(default_factory=dict)

    def resolve(self, interface: IPv4Interface) -> IPv4Interface:
        """``interface`` in its network's new place, host part kept."""
        target = self.mapping.get(interface.network, interface.network)
        return transplant(interface.ip, interface.network, target)


def transplant(address: IPv4Address, source: IPv4Network, target: IPv4Network) -> IPv4Interface:
    """The host part of ``address`` in ``source``, set into ``target``.

    Raises ``ValueError`` when the host part is too large for ``target``.
    """
    host = int(address) - int(source.network_address)
    if not 0 <= host < target.num_addresses:
        raise ValueError(f"host part {host} of {address} does not fit into {target}")
    return IPv4Interface((int(target.network_address) + host, target.prefixlen))


def relocate(wanted: Iterable[IPv4Network], facts: NetworkFacts, remembered: Mapping[str, str]) -> Relocation:
    """Give each wanted network a place that is free: the remembered one, itself, or the first free private one.

    The remembered place comes first, so that containers keep their addresses when the machine changes its network.
    Raises ``NoFreeNetworkError``.
    """
    mapping: dict[IPv4Network, IPv4Network] = {}
    reasons: dict[IPv4Network, str] = {}
    for network in wanted:
        free = NetworkFacts((*facts.taken, *mapping.values()), facts.resolvers)
        chosen = _chosen(network, free, remembered)
        mapping[network] = chosen
        if chosen != network:
            reasons[network] = free.obstacle(network) or "it was in use when the containers were first made"
    return Relocation(mapping, reasons)


def _chosen(network: IPv4Network, facts: NetworkFacts, remembered: Mapping[str, str]) -> IPv4Network:
    before = _remembered(network, remembered)
    for candidate in (before, network):
        if candidate is not None and facts.obstacle(candidate) is None:
            return candidate
    return _first_free(network.prefixlen, facts.blocks())


def _remembered(network: IPv4Network, remembered: Mapping[str, str]) -> IPv4Network | None:
    """What was chosen before, if it still has the wanted size."""
    try:
        before = IPv4Network(remembered.get(str(network), ""))
    except ValueError:
        return None
    return before if before.prefixlen == network.prefixlen else None


def _first_free(prefix: int, blocks: tuple[IPv4Network, ...]) -> IPv4Network:
    for pool in _POOLS:
        if pool.prefixlen <= prefix and (found := _gap(pool, prefix, blocks)) is not None:
            return found
    raise NoFreeNetworkError(
        f"no private /{prefix} network is free on this machine",
        hint="give config.env's IP a longer prefix, such as /24",
    )


def _gap(pool: IPv4Network, prefix: int, blocks: tuple[IPv4Network, ...]) -> IPv4Network | None:
    """The first network of this size in ``pool`` clear of ``blocks``; steps over a block as a whole."""
    size = 1 << (32 - prefix)
    start = int(pool.network_address)
    while start + size <= int(pool.broadcast_address) + 1:
        candidate = IPv4Network((start, prefix))
        block = next((block for block in blocks if block.overlaps(candidate)), None)
        if block is None:
            return candidate
        past = int(block.broadcast_address) + 1
        start = max(start + size, (past + size - 1) // size * size)
    return None
