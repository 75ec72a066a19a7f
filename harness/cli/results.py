"""What stands where after a run, and what to look at and type next."""

from __future__ import annotations

import re
from pathlib import Path

from harness.cli import console
from harness.inventory.model import Container
from harness.lifecycle.workspace import Workspace

_DESCRIPTION = re.compile(r"""^\s*description\s+(['"])(?P<text>.*)\1""", re.MULTILINE)


def show_containers(workspace: Workspace) -> None:
    """A table of the containers, then the next steps."""
    containers = workspace.inventory.deployable
    console.show("")
    console.show_table(("container", "name", "address", "id", "what it is"), [row(one) for one in containers])
    console.show("")
    for line in next_steps(workspace, containers):
        console.show(line)


def row(container: Container) -> tuple[str, ...]:
    """One container's line."""
    name = f"{container.hostname}.{container.domain}"
    return (container.name, name, str(container.address.ip), str(container.vmid), description(container.directory))


def description(library: Path) -> str:
    """What the cookbook's metadata.rb says it is; empty when it says nothing."""
    metadata = library / "metadata.rb"
    found = _DESCRIPTION.search(metadata.read_text()) if metadata.is_file() else None
    return found["text"] if found else ""


def next_steps(workspace: Workspace, containers: tuple[Container, ...]) -> list[str]:
    """Lines that begin with something to type or to look at."""
    if not containers:
        return ["add a folder below libs/ (docs/libraries.md says how), then type: ./run local"]
    first = containers[0]
    key = workspace.share.keys / str(first.vmid)
    known_hosts = workspace.share.known_hosts
    return [
        f"log in:      ssh -i {key} -o UserKnownHostsFile={known_hosts} config@{first.address.ip}",
        f"change:      edit libs/{first.name}, then type: ./run plan   and: ./run deploy",
        f"check again: ./run verify -- {first.name}",
        f"credentials: login {workspace.login}, password in {workspace.credentials_place}",
        "clean up:    ./run down",
    ]
