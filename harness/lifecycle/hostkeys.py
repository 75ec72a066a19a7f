"""What happens to pinned host keys when a container comes, moves or goes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from harness.remote import keys


def follow(known_hosts: Path, old: str, new: str) -> None:
    """A container of ours has changed its address: its key is known under the new one too, none is learned anew."""
    if old == new or keys.is_known(known_hosts, new) or not known_hosts.exists():
        return
    lines = [line.split(maxsplit=1) for line in known_hosts.read_text().splitlines()]
    moved = [f"{new} {rest[1]}" for rest in lines if len(rest) == 2 and rest[0] == old]
    if not moved:
        return
    with tempfile.NamedTemporaryFile("w", dir=known_hosts.parent, prefix=".moved-") as aside:
        aside.write("".join(f"{line}\n" for line in moved))
        aside.flush()
        keys.pin(known_hosts, Path(aside.name))
