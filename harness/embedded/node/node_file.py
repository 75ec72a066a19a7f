"""``node.json``: where a running node is, for whoever wants to find it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from harness.embedded.node.node import Node
from harness.embedded.node.service import Listening
from harness.kit import files

NAME = "node.json"


def write(state: Path, node: Node, listening: Listening) -> None:
    """Write the file; it appears when the node is ready."""
    facts = {
        "pid": os.getpid(),
        "port": listening.port,
        "addresses": list(listening.addresses),
        "fingerprint": node.fingerprint,
        "name": node.name,
        "version": node.release,
    }
    files.write_atomic(state / NAME, json.dumps(facts, indent=1) + "\n")


def remove(state: Path) -> None:
    """Remove the file."""
    (state / NAME).unlink(missing_ok=True)
