"""What happens to pinned host keys when a container comes, moves or goes."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from harness.remote import keys

_PREFERRED: Final = "ssh-ed25519"


def pinned(known_hosts: Path, address: str) -> str | None:
    """The key that is pinned for ``address``, as type and base64; None when there is none."""
    found = [rest for host, rest in _entries(known_hosts) if host == address]
    return next((rest for rest in found if rest.startswith(_PREFERRED)), found[0] if found else None)


def trust(known_hosts: Path, stamped: Mapping[str, str]) -> tuple[str, ...]:
    """Pin the host keys ``stamped`` (address → key) in the place of any others; the addresses where that changed one.

    Only for keys from stamps: whoever made a container wrote them there, by way of PVE, whose certificate is checked.
    """
    known = set(_entries(known_hosts))
    new = tuple(address for address, key in stamped.items() if (address, key) not in known)
    for address in new:
        keys.forget_host(known_hosts, address)
    if new:
        _pin(known_hosts, [f"{address} {stamped[address]}" for address in new])
    return new


def _entries(known_hosts: Path) -> list[tuple[str, str]]:
    lines = known_hosts.read_text().splitlines() if known_hosts.exists() else []
    parts = (line.split(maxsplit=1) for line in lines)
    return [(part[0], part[1].strip()) for part in parts if len(part) == 2]


def follow(known_hosts: Path, old: str, new: str) -> None:
    """A container of ours has changed its address: its key is known under the new one too, none is learned anew."""
    if old == new or keys.is_known(known_hosts, new) or not known_hosts.exists():
        return
    moved = [f"{new} {rest}" for host, rest in _entries(known_hosts) if host == old]
    if moved:
        _pin(known_hosts, moved)


def _pin(known_hosts: Path, lines: list[str]) -> None:
    with tempfile.NamedTemporaryFile("w", dir=known_hosts.parent, prefix=".moved-") as aside:
        aside.write("".join(f"{line}\n" for line in lines))
        aside.flush()
        keys.pin(known_hosts, Path(aside.name))
