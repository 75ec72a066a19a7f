"""Interfaces of a running container under the names that its settings give them.

An engine before Docker 28 names them itself, and goes on counting when one is connected anew (``eth1`` for ``eth0``).
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.embedded.node.runtime import GuestNet

_RENAME = """\
command -v ip > /dev/null || exit 0
while [ $# -gt 1 ]; do
  found=$(ip -o -4 address show to "$2" | { read -r _ name _ && echo "$name"; })
  if [ -n "$found" ] && [ "$found" != "$1" ] && [ ! -e "/sys/class/net/$1" ]; then
    way=$(ip -4 route show default dev "$found" | { read -r _ _ gateway _ && echo "$gateway"; })
    ip link set dev "$found" down && ip link set dev "$found" name "$1" && ip link set dev "$1" up || exit 1
    if [ -n "$way" ]; then ip route replace default via "$way" dev "$1" || exit 1; fi
  fi
  shift 2
done
"""
_REMOVE = """\
command -v ip > /dev/null || exit 0
found=$(ip -o -4 address show to "$1" | { read -r _ name _ && echo "$name"; })
[ -z "$found" ] || ip link delete dev "$found"
"""


def removal(address: str) -> list[str]:
    """The command that takes an interface away inside the container, under whichever name it is there."""
    return ["sh", "-c", _REMOVE, "sh", address]


def renaming(nets: Iterable[GuestNet]) -> list[str] | None:
    """The command that gives interfaces their names inside the container; None when there is none to find."""
    pairs = [part for net in nets if net.ip is not None for part in (net.name, str(net.ip.ip))]
    return ["sh", "-c", _RENAME, "sh", *pairs] if pairs else None


def named_otherwise(nets: Iterable[GuestNet]) -> list[GuestNet]:
    """Those that an engine that counts them itself would call something else at a container's start."""
    return [net for number, net in enumerate(nets) if net.name != f"eth{number}"]
