"""What this machine's networks are, read from the kernel's and the resolver's files."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from harness.embedded.engine import networks

FIB_TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 4
     |-- 0.0.0.0
        /0 universe UNICAST
        /1 universe UNICAST
     +-- 192.168.178.0/24 2 0 2
        |-- 192.168.178.0
           /24 link UNICAST
        |-- 192.168.178.20
           /32 host LOCAL
        |-- 192.168.178.255
           /32 link BROADCAST
     |-- 128.0.0.0
        /1 universe UNICAST
     |-- 127.0.0.0
        /8 host LOCAL
Id 52:
  |-- 100.64.3.0
     /24 universe UNICAST
"""


def test_every_routing_table_counts_and_default_routes_do_not():
    found = set(networks.routed(FIB_TRIE))
    assert found == {
        IPv4Network("192.168.178.0/24"),
        IPv4Network("192.168.178.20/32"),
        IPv4Network("100.64.3.0/24"),
    }


def test_name_servers_leave_out_the_loopback_stub(tmp_path):
    file = tmp_path / "resolv.conf"
    file.write_text("# made by hand\nnameserver 127.0.0.53\nnameserver 192.168.178.1\nnameserver fe80::1\nsearch lan\n")
    assert list(networks.name_servers(file)) == [IPv4Address("192.168.178.1")]
    assert list(networks.name_servers(tmp_path / "none")) == []


def test_docker_networks_come_with_their_owner():
    found = [
        {"Labels": {"proxmox-gitops.instance": "gitops"}, "IPAM": {"Config": [{"Subnet": "10.143.0.0/24"}]}},
        {"Labels": None, "IPAM": {"Config": [{"Subnet": "172.17.0.0/16"}, {"Subnet": "fd00::/64"}]}},
        {"IPAM": {"Config": None}},
    ]
    assert list(networks.docker_networks(found)) == [
        (IPv4Network("10.143.0.0/24"), "gitops"),
        (IPv4Network("172.17.0.0/16"), ""),
    ]


def test_this_machine_has_at_least_one_network_of_its_own():
    taken, _ = networks.host_network_facts("no-such-node")
    assert all(not network.is_loopback for network in taken)
    assert taken == tuple(sorted(taken))
