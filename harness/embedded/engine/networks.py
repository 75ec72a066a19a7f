"""Which networks this machine has, reaches or resolves through: what a bridge of ours must not lie over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from harness.embedded.engine import client as engine
from harness.embedded.engine.labels import INSTANCE
from harness.kit.errors import HarnessError

FIB_TRIE = Path("/proc/net/fib_trie")
RESOLV = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))
"""The second is systemd-resolved's list of its upstreams; the first then only names 127.0.0.53."""


def host_network_facts(exclude_instance: str = "") -> tuple[tuple[IPv4Network, ...], tuple[IPv4Address, ...]]:
    """(taken networks, name servers) of this machine; networks of the node ``exclude_instance`` do not count.

    Needs no root. An engine that does not answer adds nothing: the bridges of a running one show as routes anyway.
    """
    docker = _docker_networks()
    own = [net for net, owner in docker if exclude_instance and owner == exclude_instance]
    known = set(routed(FIB_TRIE.read_text())) if FIB_TRIE.exists() else set()
    known |= {net for net, _ in docker}
    taken = sorted(net for net in known if not any(net.subnet_of(ours) for ours in own))
    return tuple(taken), tuple(dict.fromkeys(server for file in RESOLV for server in name_servers(file)))


def routed(trie: str) -> Iterator[IPv4Network]:
    """Networks and own addresses in the kernel's ``/proc/net/fib_trie``: every routing table, a VPN's own too.

    Left out: default routes (also the two halves that VPNs write), broadcasts, loopback, multicast.
    """
    address = None
    for line in trie.splitlines():
        words = line.split()
        if words[:1] == ["|--"]:
            address = _maybe_address(words[1])
        elif address is not None and len(words) == 3 and words[0].startswith("/") and words[2] != "BROADCAST":
            network = IPv4Network((address, int(words[0][1:])), strict=False)
            if network.prefixlen > 1 and not network.is_loopback and not network.is_multicast:
                yield network


def name_servers(resolv_conf: Path) -> Iterator[IPv4Address]:
    """The IPv4 name servers of a resolv.conf(5), loopback ones left out."""
    if not resolv_conf.is_file():
        return
    for line in resolv_conf.read_text(errors="replace").splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver":
            address = _maybe_address(words[1])
            if address is not None and not address.is_loopback:
                yield address


def docker_networks(found: Iterable[Mapping[str, Any]]) -> Iterator[tuple[IPv4Network, str]]:
    """(subnet, owning node or "") of each entry of ``GET /networks``."""
    for network in found:
        owner = str((network.get("Labels") or {}).get(INSTANCE, ""))
        for block in (network.get("IPAM") or {}).get("Config") or ():
            subnet = str(block.get("Subnet", ""))
            if subnet and ":" not in subnet:
                yield IPv4Network(subnet, strict=False), owner


def _docker_networks() -> tuple[tuple[IPv4Network, str], ...]:
    try:
        with engine.opened(timeout=5) as client, engine.translated("networks"):
            return tuple(docker_networks(client.api.networks()))
    except HarnessError:
        return ()


def _maybe_address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except AddressValueError:
        return None
