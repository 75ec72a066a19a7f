"""Property-string formats that the schema only names; their rules are PVE's own (``PVE::Storage``, ``PVE::VZDump``)."""

from __future__ import annotations

from collections.abc import Mapping

from harness.embedded.node.grammar.property_string import Format

_COUNT = {"type": "integer", "optional": 1, "minimum": 0}
_FLAG = {"type": "boolean", "optional": 1}
_PERIODS = ("last", "hourly", "daily", "weekly", "monthly", "yearly")
NAMED: Mapping[str, Format] = {
    "prune-backups": {"keep-all": _FLAG, **{f"keep-{period}": _COUNT for period in _PERIODS}},
    "backup-performance": {
        "max-workers": {**_COUNT, "minimum": 1, "maximum": 256},
        "pbs-entries-max": {**_COUNT, "minimum": 1},
    },
    "backup-fleecing": {
        "enabled": {**_FLAG, "default_key": 1},
        "storage": {"type": "string", "format": "pve-storage-id", "optional": 1},
    },
}


def check_together(name: str, values: Mapping[str, str]) -> None:
    """What single properties cannot tell; raises ``ValueError``."""
    counts = [int(value) for key, value in values.items() if key != "keep-all"]
    if name == "prune-backups" and any(counts) and values.get("keep-all") == "1":
        raise ValueError("keep-all cannot be set together with other options.")
