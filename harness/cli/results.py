"""What stands where after a run, and what to look at and type next."""

from __future__ import annotations

import re
from pathlib import Path

from harness.cli import console
from harness.controlplane.container import ControlPlane
from harness.inventory.model import Container
from harness.lifecycle.workspace import Workspace

_DESCRIPTION = re.compile(r"""^\s*description\s+(['"])(?P<text>.*)\1""", re.MULTILINE)


def show_containers(workspace: Workspace, control_plane: ControlPlane | None = None) -> None:
    """A table of the containers, then the next steps."""
    containers = workspace.inventory.containers if control_plane else workspace.inventory.deployable
    console.show("")
    console.show_table(("container", "name", "address", "id", "what it is"), [row(one) for one in containers])
    console.show("")
    if control_plane is not None:
        console.show(f"look at:     {control_plane.url}/containers")
    for line in next_steps(workspace, workspace.inventory.deployable):
        console.show(line)


def show_sign_in(workspace: Workspace, control_plane: ControlPlane) -> None:
    """Where to sign in, and with what."""
    console.show(f"sign in:      {control_plane.url}, login {control_plane.login}, {_password(workspace)}")


def _password(workspace: Workspace) -> str:
    return f"password in {workspace.credentials_place}"


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
        f"credentials: login {workspace.login}, {_password(workspace)}",
        "clean up:    ./run down",
    ]
