"""What stands where after a run, and what to look at and type next."""

from __future__ import annotations

import re
from pathlib import Path

from rich.text import Text

from harness.cli import console
from harness.controlplane import deployment
from harness.controlplane.container import ControlPlane
from harness.inventory.model import CONTROL_PLANE, Container
from harness.lifecycle.workspace import Workspace

_DESCRIPTION = re.compile(r"""^\s*description\s+(['"])(?P<text>.*)\1""", re.MULTILINE)


def show_containers(workspace: Workspace, control_plane: ControlPlane) -> None:
    """A table of the containers, where to sign in, then the next steps."""
    inventory = workspace.inventory
    console.show("")
    headings = ("container", "name", "address", "id", "what it is")
    console.show_table(headings, [row(one) for one in inventory.containers])
    console.show("")
    show_sign_in(workspace, control_plane)
    for line in next_steps(workspace, inventory.deployable):
        console.show(line)


def show_sign_in(workspace: Workspace, control_plane: ControlPlane) -> None:
    """The pages, and what to sign in with."""
    place = shown_from(workspace.root, workspace.credentials_place)
    console.show(f"look at:     {control_plane.url}/containers")
    console.show(f"sign in:     {control_plane.login}, with the password in {place}")


def show_password(workspace: Workspace) -> None:
    """The password that this run made, as it is: nobody else has seen it, and it is not shown again."""
    place = shown_from(workspace.root, workspace.credentials_place)
    line = (
        f"password:    {workspace.password.reveal()}   (made for {workspace.login}, shown this once, kept in {place})"
    )
    console.out().print(Text(line, style="bold"))


def shown_from(root: Path, path: Path) -> str:
    """``path`` as people type it in the repository."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def row(container: Container) -> tuple[str, ...]:
    """One container's line."""
    name = f"{container.hostname}.{container.domain}"
    return (container.name, name, str(container.address.ip), str(container.vmid), purpose(container))


def purpose(container: Container) -> str:
    """What a container is there for."""
    if container.name == CONTROL_PLANE:
        return f"control plane: {deployment.url(container)}"
    return description(container.directory)


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
    key = shown_from(workspace.root, workspace.share.keys / str(first.vmid))
    known_hosts = shown_from(workspace.root, workspace.share.known_hosts)
    return [
        f"log in:      ssh -i {key} -o UserKnownHostsFile={known_hosts} config@{first.address.ip}",
        f"change:      edit libs/{first.name}, then type: ./run plan   and: ./run local",
        f"check again: ./run verify -- {first.name}",
        "clean up:    ./run down",
    ]
