"""A container's configuration: current values, pending ones, snapshots; its text and digest.

Values are kept as text, as PVE keeps them in its file; ``typed`` gives them the types that the API shows.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote

from harness.embedded.node.grammar import formats, sizes, verify
from harness.embedded.node.store import Record

Config = Mapping[str, str]
BLANK = " "
_SNAPSHOT_ONLY = ("snaptime", "snapstate")
_INTEGERS = ("snaptime", "template")


@dataclass(frozen=True)
class Guest:
    """One container as configured. ``removals`` are keys whose deletion is pending."""

    vmid: int
    config: Config
    pending: Config = field(default_factory=dict)
    removals: frozenset[str] = frozenset()
    snapshots: Mapping[str, Config] = field(default_factory=dict)

    @cached_property
    def merged(self) -> Config:
        """The configuration as it will be after the next start."""
        kept = {key: value for key, value in self.config.items() if key not in self.removals}
        return {**kept, **self.pending}

    @property
    def lock(self) -> str | None:
        """What holds the container, or None."""
        return self.config.get("lock")

    @property
    def hostname(self) -> str:
        """The name as lists show it."""
        return self.config.get("hostname", f"CT{self.vmid}")

    @property
    def is_template(self) -> bool:
        """Whether it was converted to a template."""
        return self.config.get("template") == "1"

    @cached_property
    def rootfs_bytes(self) -> int:
        """Size of the root file system as configured."""
        found = re.search(r"(?:^|,)size=([^,]+)", self.config.get("rootfs", ""))
        return (sizes.parse_size(found[1]) or 0) if found else 0

    @cached_property
    def shown(self) -> Mapping[str, Any]:
        """What lists show of the configuration, whatever the container does."""
        facts: dict[str, Any] = {"vmid": self.vmid, "type": "lxc", "name": self.hostname, "cpus": self._number("cores")}
        facts |= {f"max{short}": self._number(key) << 20 for key, short in (("memory", "mem"), ("swap", "swap"))}
        facts["maxdisk"] = self.rootfs_bytes
        for key in ("tags", "lock"):
            if self.config.get(key, "").strip():
                facts[key] = self.config[key]
        return {**facts, "template": 1} if self.is_template else facts

    def _number(self, key: str) -> int:
        text = self.config.get(key, "").strip()
        if text:
            return int(text)
        return os.cpu_count() or 1 if key == "cores" else 512

    @cached_property
    def text(self) -> str:
        """The configuration file."""
        sections = [_section(self.config)]
        if self.pending or self.removals:
            removals = {"delete": ",".join(sorted(self.removals))} if self.removals else {}
            sections.append("\n[pve:pending]\n" + _section({**removals, **self.pending}))
        sections += [f"\n[{name}]\n" + _section(config) for name, config in sorted(self.snapshots.items())]
        return "".join(sections)

    @cached_property
    def digest(self) -> str:
        """SHA-1 of the file, as PVE forms it."""
        return hashlib.sha1(self.text.encode()).hexdigest()  # noqa: S324  # PVE's digest, not a protection

    def with_config(self, **changes: str | None) -> Guest:
        """The same with some current values replaced; None removes one."""
        merged = {**self.config, **changes}
        return replace(self, config={key: value for key, value in merged.items() if value is not None})

    def record(self) -> dict[str, Any]:
        """What the store keeps."""
        return {
            "config": dict(self.config),
            "pending": dict(self.pending),
            "removals": sorted(self.removals),
            "snapshots": {name: dict(config) for name, config in self.snapshots.items()},
        }


def from_record(vmid: int, record: Record) -> Guest:
    """The guest that ``record()`` described."""
    return Guest(vmid, record["config"], record["pending"], frozenset(record["removals"]), record["snapshots"])


def parse(text: str) -> Config:
    """The current values of a configuration file, as another host may have written it; its sections are left out."""
    config: dict[str, str] = {}
    notes: list[str] = []
    for line in text.splitlines():
        if line.startswith("["):
            break
        key, colon, value = line.partition(":")
        if line.startswith("#"):
            notes.append(unquote(line[1:]) + "\n")
        elif colon and re.fullmatch(r"[a-z][a-z_]*\d*", key):
            config[key] = value.strip()
    return {**config, "description": "".join(notes)} if notes else config


def _section(config: Config) -> str:
    notes = "".join(f"#{quote(line, safe=_PLAIN)}\n" for line in config.get("description", "").splitlines())
    lines = [f"{key}: {value}\n" for key, value in sorted(config.items()) if key != "description"]
    return notes + "".join(lines)


_PLAIN = " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"


def typed(config: Config, rules: Mapping[str, verify.Rule]) -> dict[str, Any]:
    """The values as JSON: integers and booleans as numbers, everything else as text."""
    return {key: typed_value(key, value, rules) for key, value in config.items()}


def typed_value(key: str, value: str, rules: Mapping[str, verify.Rule]) -> Any:
    """One value as JSON."""
    kind = rules.get(key, {}).get("type", "integer" if key in _INTEGERS else "string")
    if kind in ("integer", "boolean") and re.fullmatch(r"[+-]?\d+", value):
        return int(value)
    return value


def normalize(key: str, value: str | None) -> str | None:
    """A value as it is read back after it was written; None when writing it removes the key."""
    if key == "description":
        return description_text(value) if value else None
    if not value:
        return BLANK
    if key in ("nameserver", "searchdomain"):
        return " ".join(formats.split_list(value)) or BLANK
    if key == "tags":
        return ";".join(sorted({tag.lower() for tag in formats.split_list(value)})) or BLANK
    return value


def description_text(text: str) -> str:
    """A description as it is read back: each line ends with a newline."""
    return text if text.endswith("\n") else text + "\n"


def snapshot_config(config: Config) -> dict[str, str]:
    """A snapshot's configuration without what only snapshots have."""
    return {key: value for key, value in config.items() if key not in _SNAPSHOT_ONLY}
