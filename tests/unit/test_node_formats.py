"""Named formats of the API schema: what they take, and what they say of the rest."""

from __future__ import annotations

import re

import pytest

from harness.embedded.node.grammar import formats

GOOD = [
    ("pve-vmid", "100"),
    ("pve-vmid", "999999999"),
    ("dns-name", "a.example-1.org"),
    ("pve-configid", "net0"),
    ("mac-addr", "BC:24:11:00:00:01"),
    ("ipv4", "192.0.2.1"),
    ("pve-ipv4-config", "dhcp"),
    ("pve-ipv4-config", "192.0.2.5/24"),
    ("pve-ipv6-config", "auto"),
    ("CIDR", "2001:db8::1/64"),
    ("pve-startup-order", "order=2,up=5,down=1"),
    ("pve-startup-order", "5"),
    ("pve-tag-list", "a;b,c d"),
    ("dns-name-list", "example.org example.com"),
    ("pve-ct-timezone", "host"),
    ("pve-ct-timezone", "Europe/Berlin"),
    ("pve-volume-id", "local:110/vm-110-disk-0.raw"),
    ("pve-lxc-mp-string", "/var/lib/data..old"),
    ("email-opt", ""),
    ("pve-userid", "root@pam"),
]
BAD = [
    ("pve-vmid", "99", "value does not look like a valid VM ID"),
    ("pve-vmid", "1000000000", "value does not look like a valid VM ID"),
    ("dns-name", "bad_name", "value does not look like a valid DNS name"),
    ("dns-name", "-bad", "value does not look like a valid DNS name"),
    ("pve-configid", "!!", "invalid configuration ID '!!'"),
    ("pve-storage-id", "9!x", "storage ID '9!x' contains illegal characters"),
    ("mac-addr", "01:00:5E:00:00:01", "value does not look like a valid unicast MAC address"),
    ("ipv4", "192.0.2.256", "value does not look like a valid IPv4 address"),
    ("pve-ipv4-config", "192.0.2.5", "value does not look like a valid ipv4 network configuration"),
    ("pve-ipv4-config", "192.0.2.5/33", "value does not look like a valid ipv4 network configuration"),
    ("pve-ipv4-config", "192.0.2.5/7", "value does not look like a valid ipv4 network configuration"),
    ("pve-startup-order", "foo=1", "unable to parse startup options"),
    ("pve-tag-list", "good;-bad", "invalid characters in tag"),
    ("pve-ct-timezone", "Mars/Phobos", "invalid time zone 'Mars/Phobos'"),
    ("pve-volume-id", "/root/x.sh", "unable to parse volume ID '/root/x.sh'"),
    ("pve-lxc-mp-string", "/../etc", "/../etc contains illegal character sequences"),
    ("pve-lxc-dev-string", "/tmp/foo", "/tmp/foo is not a valid device path"),
    ("pve-poolid", "bad pool", "pool name 'bad pool' contains invalid characters"),
    ("pve-iface", "x", "invalid network interface name 'x'"),
    ("pve-fw-addr-spec", "300.1.1.1", "invalid IP address: Invalid quad in IP address 300.1.1.1 - 300"),
]


@pytest.mark.parametrize(("name", "text"), GOOD)
def test_good_values_pass(name: str, text: str) -> None:
    assert formats.check(name, text) is None


@pytest.mark.parametrize(("name", "text", "sentence"), BAD)
def test_bad_values_are_told_in_the_known_words(name: str, text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        formats.check(name, text)


def test_a_format_that_nobody_knows_is_not_checked() -> None:
    assert formats.check("pve-something-new", "anything at all") is None


@pytest.mark.parametrize("text", ["a,b;c d", " a  b\nc,,d ", "a\0b\0c\0d"])
def test_lists_are_split_by_any_separator(text: str) -> None:
    assert formats.split_list(text) == ["a", "b", "c", "d"]
